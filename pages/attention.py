"""Attention: where did one sensor look in the other, and which one was believed?"""

import streamlit as st

from claire import ui

ui.shell("Attention")
st.title("Attention", anchor=False)
with ui.error_boundary():
    subject = ui.find_subject()
    if subject is not None:
        ui.show_attention(subject)
        ui.show_attention_note()
