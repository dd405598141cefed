"""CLAIRE: land cover and flood maps from an optical and a SAR view of the same place, with the reasons shown.

The public names are loaded on first use, so that `import claire` stays light: torch, rasterio and the other heavy
packages arrive with the function that needs them.

Example:
    >>> import claire
    >>> sorted(set(claire.__all__) & {"analyse", "read_tile"})
    ['analyse', 'read_tile']
"""

from __future__ import annotations

import os
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claire.core.analysis import Analysis
    from claire.core.errors import ClaireError
    from claire.pipeline import analyse, evaluate, find_datasets, list_models, load_model, read_tile

    __version__: str

# OpenMP reads this when torch is loaded: threads that wait in a loop make a forward twenty times as slow as soon as
# another program wants a core; threads that sleep cost nothing that could be measured.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = [
    "Analysis",
    "ClaireError",
    "__version__",
    "analyse",
    "evaluate",
    "find_datasets",
    "list_models",
    "load_model",
    "read_tile",
]

_HOMES = {
    "Analysis": "claire.core.analysis",
    "ClaireError": "claire.core.errors",
    "analyse": "claire.pipeline",
    "evaluate": "claire.pipeline",
    "find_datasets": "claire.pipeline",
    "list_models": "claire.pipeline",
    "load_model": "claire.pipeline",
    "read_tile": "claire.pipeline",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("claire-eo")
    if name not in _HOMES:
        raise AttributeError(f"module 'claire' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
