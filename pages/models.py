"""Models: how good is the model that draws the maps, when does it fail, and does it know?"""

import streamlit as st

from claire import ui

ui.shell("Models")
st.title("Models", anchor=False)
with ui.error_boundary():
    ui.show_model_card()
