"""Errors: where is the map wrong, what did it say instead, and which sensor talked it into that?"""

import streamlit as st

from claire import ui

ui.shell("Errors")
st.title("Where is the map wrong?", anchor=False)
with ui.error_boundary():
    analysis = ui.find_analysis()
    if analysis is not None:
        ui.show_mistakes(analysis)
