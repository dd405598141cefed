"""The start-up check: files of users are taken only while the program is closed to everybody else.

It looks once per process at what is in force, not at what a file of settings says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import streamlit as st

from claire.core.errors import EnvironmentUnsafeError
from claire.core.versions import FLOORS, find_outdated
from claire.data import raster
from claire.ui.text import as_text

OPTIONS: Mapping[str, tuple[object, ...]] = {
    "client.showErrorDetails": ("none",),
    "server.address": ("127.0.0.1", "localhost", "::1"),
    "server.enableCORS": (True,),
    "server.enableXsrfProtection": (True,),
    "server.enableStaticServing": (False,),
    "browser.gatherUsageStats": (False,),
}
"""Option of Streamlit -> values that keep the app to this machine and its faults in the log."""

LARGEST_UPLOAD_MB = 1000


@lru_cache(maxsize=1)
def find_dangers() -> tuple[EnvironmentUnsafeError, ...]:
    """Everything that speaks against taking files from users; empty when the program is safe."""
    return (*_check_versions(), *_check_options(), *_check_rasters())


def show_dangers() -> bool:
    """Say why uploads are off, if they are.

    Returns:
        True when uploads must be refused.
    """
    dangers = find_dangers()
    if dangers:
        reasons = "\n".join(f"- {as_text(danger.message)} {as_text(danger.hint)}" for danger in dangers)
        st.error(
            "**Uploads are off, because this program would not be safe with files from strangers.**\n\n"
            f"{reasons}\n\nThe generated examples can still be browsed.",
            icon=":material/gpp_maybe:",
        )
    return bool(dangers)


def _check_versions() -> Iterator[EnvironmentUnsafeError]:
    for package, version in find_outdated().items():
        floor = ".".join(str(number) for number in FLOORS[package])
        yield EnvironmentUnsafeError(
            f"The package {package} is {version[:20]}, but {floor} or later is wanted.", "Install CLAIRE anew."
        )


def _check_options() -> Iterator[EnvironmentUnsafeError]:
    for option, wanted in OPTIONS.items():
        value = st.get_option(option)
        if value not in wanted:
            yield EnvironmentUnsafeError(
                f"Streamlit runs with {option} = {str(value)[:40]}, but {wanted[0]!r} is wanted.",
                "Start it with claire app or make run, without options that change it.",
            )
    if st.get_option("server.maxUploadSize") > LARGEST_UPLOAD_MB:
        yield EnvironmentUnsafeError(
            f"Streamlit takes uploads of more than {LARGEST_UPLOAD_MB} MB.", "Set server.maxUploadSize to 300."
        )


def _check_rasters() -> Iterator[EnvironmentUnsafeError]:
    try:
        raster.check_environment()
    except EnvironmentUnsafeError as error:
        yield error
