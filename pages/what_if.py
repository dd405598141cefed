"""What if: the sky were clouded, a sensor failed, the radar were noisy? And where does the radar take over?"""

import streamlit as st

from claire import ui

ui.shell("What if")
st.title("What if?", anchor=False)
with ui.error_boundary():
    analysis = ui.find_analysis()
    if analysis is not None:
        ui.show_what_if(analysis)
with ui.error_boundary():
    if analysis is not None:
        ui.show_curve(analysis)
