"""In words: what does the analysis say, from which facts, and what does it answer?"""

import streamlit as st

from claire import ui

ui.shell("In words")
st.title("In words", anchor=False)
with ui.error_boundary():
    subject = ui.find_subject()
    if subject is not None:
        ui.show_words(subject)
