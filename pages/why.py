"""Why: which values and which sensor put this class here, and how far can that answer be believed?"""

import streamlit as st

from claire import ui

ui.shell("Why")
st.title("Why", anchor=False)
with ui.error_boundary():
    subject = ui.find_subject()
    if subject is not None:
        ui.show_answer(ui.ask_question(subject))
