"""`claire data`: published data sets, where to get them, and what their authors ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from claire.cli.reporting import answer
from claire.data.sets.catalogue import describe_source, list_sources

data_app = typer.Typer(no_args_is_help=True, help="Published data sets: where to get them, licence, what to cite.")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """Data sets whose original layout CLAIRE reads."""
    entries = list_sources()
    answer(entries, _as_list(entries), as_json)


@data_app.command("info")
def data_info(
    name: Annotated[str, typer.Argument(help="Name from `claire data list`.")],
    as_json: Json = False,
) -> None:
    """Say where to get a data set, its licence, what to cite, how it is laid out, and what is read of it."""
    description = describe_source(name)
    answer(description, _as_text(description), as_json)


def _as_list(entries: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(f"{e['name']:<18} {e['classes']:>2} classes   {e['about']}" for e in entries)


def _as_text(source: Mapping[str, Any]) -> str:
    rows = {
        "what": [source["about"]],
        "careful": [source["careful"]],
        "get it": source["get"],
        "licence": [source["licence"]],
        "cite": source["cite"],
        "files": source["layout"],
        "splits": [source["about_splits"]],
        "optical": [f"{', '.join(source['optical']['bands'])} ({source['optical']['unit']})"],
        "sar": [f"{', '.join(source['sar']['bands'])} ({source['sar']['unit']})"],
        "classes": [f"{c['id']:>3} {c['color']} {c['name']}" for c in source["classes"]],
        "not scored": [", ".join(map(str, source["ignore"]))],
        "train": [f"claire train --config {source['recipe']} --root FOLDER", source["recipe_status"]],
    }
    lines = [
        f"  {title if first else '':<11} {line}"
        for title, texts in rows.items()
        for first, line in zip((True, *[False] * len(texts)), filter(None, texts), strict=False)
    ]
    return "\n".join([f"{source['name']}: {source['title']}", *lines])
