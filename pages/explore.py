"""Explore: which pair, and what is in its files?"""

import streamlit as st

from claire import ui

ui.shell("Explore")
st.title("Explore", anchor=False)
with ui.error_boundary():
    ui.show_source()
with ui.error_boundary():
    ui.show_chosen()
