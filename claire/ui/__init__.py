"""The only Streamlit user in the package: cache, state, components. Pages call what is named here and nothing else."""

from claire.ui.answer import show_answer
from claire.ui.attention import show_attention, show_attention_note
from claire.ui.faults import error_boundary
from claire.ui.flow import find_analysis, find_subject, show_chosen, show_source
from claire.ui.home import show_data, show_idea, show_models, show_start
from claire.ui.maps import show_differences, show_maps
from claire.ui.mistakes import show_mistakes
from claire.ui.models import show_adjusted_areas, show_model_card
from claire.ui.pair import show_notices
from claire.ui.scores import show_comparison, show_confusion, show_legend, show_scores
from claire.ui.shell import shell
from claire.ui.what_if import show_curve, show_what_if
from claire.ui.why import ask_question
from claire.ui.words import show_words

__all__ = [
    "ask_question",
    "error_boundary",
    "find_analysis",
    "find_subject",
    "shell",
    "show_adjusted_areas",
    "show_answer",
    "show_attention",
    "show_attention_note",
    "show_chosen",
    "show_comparison",
    "show_confusion",
    "show_curve",
    "show_data",
    "show_differences",
    "show_idea",
    "show_legend",
    "show_maps",
    "show_mistakes",
    "show_model_card",
    "show_models",
    "show_notices",
    "show_scores",
    "show_source",
    "show_start",
    "show_what_if",
    "show_words",
]
