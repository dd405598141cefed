"""The only package that knows every stage; `analyse` reads as the flow of the design."""

from claire.core.dataset import Dataset
from claire.data.discovery import find_datasets, open_dataset
from claire.data.examples import ExamplesDataset
from claire.data.pairing import read_tile
from claire.data.simulator.dataset import GalleryDataset
from claire.data.simulator.files import write_scenes
from claire.pipeline.analyse import analyse
from claire.pipeline.evaluate import CONDITIONS, evaluate
from claire.pipeline.explain import check_folder, explain, write_explained
from claire.pipeline.models import DEFAULT_MODEL, import_model, list_models, load_model
from claire.pipeline.outputs import write_prediction
from claire.pipeline.reason import ENGINES, Narrative, reason

__all__ = [
    "CONDITIONS",
    "DEFAULT_MODEL",
    "ENGINES",
    "Dataset",
    "ExamplesDataset",
    "GalleryDataset",
    "Narrative",
    "analyse",
    "check_folder",
    "evaluate",
    "explain",
    "find_datasets",
    "import_model",
    "list_models",
    "load_model",
    "open_dataset",
    "read_tile",
    "reason",
    "write_explained",
    "write_prediction",
    "write_scenes",
]
