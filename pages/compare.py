"""Compare: what does each sensor say, what do both say together, and who is right?"""

import streamlit as st

from claire import ui

ui.shell("Compare")
st.title("Compare", anchor=False)
with ui.error_boundary():
    analysis = ui.find_analysis()
    if analysis is not None:
        ui.show_comparison(analysis)
        ui.show_maps(analysis)
        ui.show_differences(analysis)

        areas, scores = st.columns(2, gap="large")
        with areas:
            st.subheader("Legend and areas", anchor=False)
            ui.show_legend(analysis)
            ui.show_adjusted_areas(analysis)
        with scores:
            st.subheader("Scores", anchor=False)
            ui.show_scores(analysis)
            ui.show_confusion(analysis)
        ui.show_notices(analysis.notices)
