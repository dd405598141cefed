"""The only package that knows every stage; `analyse` reads as the flow of the design."""

from claire.core.dataset import Dataset
from claire.data.discovery import find_datasets, open_dataset
from claire.data.examples import ExamplesDataset
from claire.data.pairing import read_tile
from claire.data.simulator.dataset import GalleryDataset
from claire.data.simulator.files import write_scenes
from claire.metrics.mistakes import find_mistakes
from claire.pipeline.analyse import analyse
from claire.pipeline.cards import (
    collect_curves,
    describe_cost,
    describe_extent,
    describe_screening,
    find_headline,
    render_card,
)
from claire.pipeline.evaluate import CONDITIONS, evaluate
from claire.pipeline.explain import (
    add_bands,
    analyse_explained,
    check_folder,
    count_explain_passes,
    explain,
    find_wanted,
    measure_first,
    read_attention,
    remeasure,
    tell_explained,
    write_explained,
)
from claire.pipeline.models import DEFAULT_MODEL, import_model, list_models, load_model, read_manifest
from claire.pipeline.outputs import write_prediction
from claire.pipeline.whatif import apply_what_if, compute_curve, what_if
from claire.reasoning.narrating import ENGINES, Engine, Narrative, list_engines, reason
from claire.report.writing import render_report, tell_report, write_report, write_reports

__all__ = [
    "CONDITIONS",
    "DEFAULT_MODEL",
    "ENGINES",
    "Dataset",
    "Engine",
    "ExamplesDataset",
    "GalleryDataset",
    "Narrative",
    "add_bands",
    "analyse",
    "analyse_explained",
    "apply_what_if",
    "check_folder",
    "collect_curves",
    "compute_curve",
    "count_explain_passes",
    "describe_cost",
    "describe_extent",
    "describe_screening",
    "evaluate",
    "explain",
    "find_datasets",
    "find_headline",
    "find_mistakes",
    "find_wanted",
    "import_model",
    "list_engines",
    "list_models",
    "load_model",
    "measure_first",
    "open_dataset",
    "read_attention",
    "read_manifest",
    "read_tile",
    "reason",
    "remeasure",
    "render_card",
    "render_report",
    "tell_explained",
    "tell_report",
    "what_if",
    "write_explained",
    "write_prediction",
    "write_report",
    "write_reports",
    "write_scenes",
]
