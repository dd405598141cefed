"""Home: what CLAIRE is, what is ready, where to start."""

import streamlit as st

from claire import ui

ui.shell("Home")
st.title("Where is the water, and how do we know?", anchor=False)
st.markdown(
    "CLAIRE maps land cover and floods from an **optical** and a **SAR** view of the same place, "
    "shows the map of each sensor beside the fused one, and says which of the two it trusted where."
)
with ui.error_boundary():
    ui.show_start()
    ui.show_idea()

models, data = st.columns(2, gap="large")
with models, ui.error_boundary():
    st.subheader("Models", anchor=False)
    ui.show_models()
with data, ui.error_boundary():
    st.subheader("Data", anchor=False)
    ui.show_data()
