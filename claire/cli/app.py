"""The `claire` command."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from claire.cli.benchmark import benchmark_app
from claire.cli.data import data_app
from claire.cli.inspect import describe, render_text
from claire.cli.reporting import EXIT_WRONG, answer, report_error, say, show_notices, show_progress, show_token
from claire.cli.tables import (
    as_mode_table,
    as_model_table,
    as_report_list,
    as_score_table,
    as_ungrounded_list,
    as_why_table,
)
from claire.cli.train import train
from claire.core.bands import MODALITIES, MODES, UNITS_OF, Modality, Mode, Role, Unit, get_choice
from claire.core.errors import ClaireError, InputError, MissingFileError, UnknownNameError, ZoneError
from claire.core.settings import Settings
from claire.data.conditions import describe_conditions
from claire.data.raster import printable

if TYPE_CHECKING:
    from claire.core.analysis import Analysis

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
models_app = typer.Typer(no_args_is_help=True, help="Checkpoints: what is there, is it unaltered.")
app.add_typer(models_app, name="models")
app.add_typer(data_app, name="data")
app.add_typer(benchmark_app, name="benchmark")

UsageError: Any = typer.BadParameter.__base__
"""What typer raises for wrong usage; it has no public name of its own."""

LONGEST_USAGE = 160
"""Characters of a sentence about wrong usage, which repeats what was typed."""

OPTICAL_UNITS, SAR_UNITS = (", ".join(UNITS_OF[modality]) for modality in MODALITIES)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
ModelName = Annotated[str, typer.Option("--model", help="Name from `claire models list`.")]
ModeName = Annotated[str, typer.Option("--mode", help="fused, optical, sar or all.")]


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="GeoTIFF, PNG, JPEG or JPEG 2000.")],
    role: Annotated[str, typer.Option(help="optical, sar or label.")] = "optical",
    pixels_sha256: Annotated[
        bool, typer.Option("--pixels-sha256", help="Add the hash of the decoded array: all bands, not scaled.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open one raster and say what it is."""
    description = describe(file, get_choice(Role, role, "role"), pixels_sha256)
    answer(description, render_text(description), as_json)


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """Checkpoints with status, hash, bands, classes and scores."""
    from claire.pipeline import list_models

    entries = [as_model_entry(entry) for entry in list_models()]
    answer(entries, as_model_table(entries), as_json)


@models_app.command("verify")
def models_verify(
    name: Annotated[Optional[str], typer.Argument(help="One checkpoint; all when left out.")] = None,  # noqa: UP045
    as_json: Json = False,
) -> None:
    """Load every checkpoint, or one, and fail when it is not what its manifest says."""
    from claire.pipeline import list_models, load_model

    names = [name] if name else [entry.name for entry in list_models()]
    for each in names:
        load_model(each)
    entries = [as_model_entry(entry) for entry in list_models() if entry.name in names]
    answer(entries, as_model_table(entries), as_json)


@models_app.command("download")
def models_download(
    name: Annotated[str, typer.Argument(help="phi-3-mini, the language model that we recommend: 2.4 GB.")],
    as_json: Json = False,
) -> None:
    """Fetch a language model; a download that was cut off goes on, and only the right bytes are kept."""
    from claire.reasoning.download import download
    from claire.reasoning.gguf import get_language_model

    model, settings = get_language_model(name), Settings.from_environment()
    say(f"{model.name}: {model.bytes / 1e9:.1f} GB, licence {model.licence}, from {model.url}")
    download(model, settings, show_progress)
    entry = {"name": model.name, "kind": "language model", "status": "ready", "sha256": model.sha256,
             "licence": model.licence, "bytes": model.bytes, "title": f"licence {model.licence}"}  # fmt: skip
    answer([entry], as_model_table([entry]), as_json)


@models_app.command("import")
def models_import(
    file: Annotated[Path, typer.Argument(help="Weights: safetensors, or a file of torch.save.")],
    manifest: Annotated[Path, typer.Option(help="Manifest of these weights, JSON.")],
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Also open .pt .pth .ckpt .pkl; only from people you trust.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check weights from elsewhere against their manifest and add them to the checkpoints folder."""
    from claire.pipeline import import_model

    entries = [as_model_entry(import_model(file, manifest, allow_pickle=allow_pickle))]
    answer(entries, as_model_table(entries), as_json)


@app.command()
def predict(
    optical: Annotated[Optional[list[Path]], typer.Option(help="Optical file; repeat to stack files.")] = None,  # noqa: UP045
    sar: Annotated[Optional[list[Path]], typer.Option(help="SAR file; repeat to stack files.")] = None,  # noqa: UP045
    label: Annotated[Optional[Path], typer.Option(help="Class ids on the same pixels, for scores.")] = None,  # noqa: UP045
    model: ModelName = "claire-flood",
    mode: ModeName = "all",
    bands: Annotated[str, typer.Option(help="Names of the optical bands in order, by comma.")] = "",
    sar_bands: Annotated[str, typer.Option(help="Names of the SAR bands in order, by comma.")] = "",
    optical_units: Annotated[str, typer.Option(help=f"What the optical numbers are: {OPTICAL_UNITS}.")] = "",
    sar_units: Annotated[str, typer.Option(help=f"What the SAR numbers are: {SAR_UNITS}.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("prediction"),
    as_json: Json = False,
) -> None:
    """Segment one pair: class and confidence rasters, overlays and the analysis, for every mode."""
    from claire.pipeline import analyse, load_model, read_tile, write_prediction

    loaded = load_model(model)
    tile = read_tile(
        optical or None,
        sar or None,
        label,
        optical_bands=_split_names(bands),
        sar_bands=_split_names(sar_bands),
        optical_units=_choose_unit(optical_units, "optical"),
        sar_units=_choose_unit(sar_units, "sar"),
    )
    analysis = analyse(tile, loaded, _choose(mode))
    files = write_prediction(analysis, out)
    content = analysis.as_dict()
    document = {key: content[key] for key in ("modes", "disagreement", "comparison", "notices")} | {"files": files}
    if not as_json:
        show_notices(analysis.notices)
    answer(document, as_mode_table(content, out), as_json)


@app.command()
def explain(
    class_name: Annotated[str, typer.Option("--class", help="Name of a class of the model.")],
    optical: Annotated[Optional[list[Path]], typer.Option(help="Optical file; repeat to stack files.")] = None,  # noqa: UP045
    sar: Annotated[Optional[list[Path]], typer.Option(help="SAR file; repeat to stack files.")] = None,  # noqa: UP045
    model: ModelName = "claire-flood",
    method: Annotated[
        str, typer.Option(help="How to attribute; a wrong name lists the right ones.")
    ] = "integrated_gradients",
    region: Annotated[str, typer.Option(help="x0,y0,x1,y1 in pixels; by default where the map shows the class.")] = "",
    mode: Annotated[str, typer.Option(help="Which map: fused, optical or sar.")] = "fused",
    bands: Annotated[str, typer.Option(help="Names of the optical bands in order, by comma.")] = "",
    sar_bands: Annotated[str, typer.Option(help="Names of the SAR bands in order, by comma.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Measure faithfulness in seconds, not in full.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("attribution"),
    as_json: Json = False,
) -> None:
    """Say why a class is where it is: attributions on both sensors, how far to believe them, who contributed what."""
    from claire.explain.attributions import Options
    from claire.pipeline import analyse_explained, check_folder, load_model, read_tile, tell_explained, write_explained
    from claire.pipeline import explain as run

    asked = _parse_region(region) if region else None
    check_folder(out)
    loaded = load_model(model)
    tile = read_tile(optical or None, sar or None, optical_bands=_split_names(bands), sar_bands=_split_names(sar_bands))
    explained = run(
        tile,
        loaded,
        class_name,
        method,
        region=asked,
        mode=get_choice(Mode, mode, "mode"),
        options=Options(seed=seed),
        full=not quick,
        report=show_progress,
    )
    analysis = analyse_explained(tile, loaded, explained)
    document = {**tell_explained(analysis), "files": write_explained(analysis, out)}
    answer(document, as_why_table(document, out), as_json)


@app.command(epilog=describe_conditions())
def evaluate(
    data: Annotated[
        str,
        typer.Option(
            help="ombria, folder, pairs, simulated, simulated-floods, gallery, or a name of `claire data list`."
        ),
    ],
    root: Annotated[Path, typer.Option(help="Folder of the data set; a generated one has none.")] = Path(),
    split: Annotated[Optional[str], typer.Option(help="Split; all tiles when left out.")] = None,  # noqa: UP045
    model: ModelName = "claire-flood",
    mode: ModeName = "all",
    condition: Annotated[str, typer.Option(help="Conditions or protocols by comma, or all; listed below.")] = "clear",
    seed: Annotated[int, typer.Option(min=0, help="Of the damage.")] = 0,
    as_json: Json = False,
) -> None:
    """Score a model on a labelled data set: one pooled confusion matrix per mode and condition."""
    from claire.pipeline import evaluate as run
    from claire.pipeline import load_model, open_dataset

    unread: list[str] = []
    scores = run(
        open_dataset(data, root),
        split,
        load_model(model),
        _choose(mode),
        _split_names(condition) or (),
        seed=seed,
        report=show_progress,
        leave_out=lambda tile, error: unread.append(f"{tile}: {error}"),
    )
    for reason in unread:
        say(f"note: left out, because it cannot be read: {reason}")
    answer(scores, as_score_table(scores), as_json)


@app.command()
def reason(
    folder: Annotated[Path, typer.Argument(help="Folder of a saved analysis, as `claire predict` writes it.")],
    engine: Annotated[
        str, typer.Option(help="template (needs no language model), nano, phi3, or a .gguf file.")
    ] = "template",
    question: Annotated[Optional[str], typer.Option(help="Answer this instead of telling all.")] = None,  # noqa: UP045
    seed: Annotated[int, typer.Option(min=0, help="Of the wording.")] = 0,
    as_json: Json = False,
) -> None:
    """Say in words what an analysis measured; every sentence is checked against the facts it cites."""
    from claire.core.analysis import Analysis
    from claire.reasoning.narrating import check_request
    from claire.reasoning.narrating import reason as run

    analysis = Analysis.load(folder)
    if question is not None:
        check_request(engine, [question])
        analysis = _measure_first(analysis, question)
    narrative = run(analysis, engine, question, seed=seed, listen=None if as_json else show_token)
    if narrative.notice:
        say(f"note: {narrative.notice}")
    answer(narrative.as_dict(), as_ungrounded_list(narrative.sentences), as_json)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a saved analysis, or one that holds several.")],
    out: Annotated[Path, typer.Option(help="File that ends in .html or .pdf; for several analyses, a folder.")],
    kind: Annotated[str, typer.Option("--format", help="html or pdf, for several analyses.")] = "html",
    engine: Annotated[
        str, typer.Option(help="template (needs no language model), nano, phi3, or a .gguf file.")
    ] = "template",
    question: Annotated[Optional[list[str]], typer.Option(help="Answer this, too; repeat for more.")] = None,  # noqa: UP045
    seed: Annotated[int, typer.Option(min=0, help="Of the wording.")] = 0,
    as_json: Json = False,
) -> None:
    """Write everything about an analysis into one file: maps, scores, words, facts, evidence, and how to repeat it."""
    from claire.report.writing import ReportFormat, is_analysis, write_report, write_reports

    chosen, questions = get_choice(ReportFormat, kind, "format"), question or ()
    if is_analysis(folder):
        written = write_report(folder, out, engine, questions, seed=seed, measure=_measure_first)
        answer(vars(written), f"Written to {printable(written.file, 60)}.", as_json)
        return
    batch = write_reports(
        folder, out, chosen, engine, questions, seed=seed, measure=_measure_first, progress=show_progress
    )
    answer(batch.as_dict(), as_report_list(batch), as_json)


def _measure_first(analysis: Analysis, question: str) -> Analysis:
    """The analysis with what a question needs; says so, because it takes a moment."""
    from claire.reasoning.facts import build_facts
    from claire.reasoning.questions import needs_measuring

    if not needs_measuring(build_facts(analysis), question):
        return analysis
    from claire.pipeline import measure_first  # only now: a saved analysis is told without torch

    say("Measuring what the question needs first.")
    analysis, problem = measure_first(analysis, question)
    if problem:
        say(f"note: {problem}")
    return analysis


@app.command()
def simulate(
    seed: Annotated[int, typer.Option(help="Of the first scene; the next ones count up.")] = 0,
    size: Annotated[int, typer.Option(help="Side in pixels of 10 m.")] = 256,
    count: Annotated[int, typer.Option(help="How many scenes.")] = 1,
    landscape: Annotated[str, typer.Option(help="Kind of landscape; a wrong name lists the right ones.")] = "",
    level: Annotated[str, typer.Option(help="surface (as L2A) or toa (as L1C); drawn by the seed when empty.")] = "",
    clouds: Annotated[str, typer.Option(help="thin, broken or thick, for the cloudy picture; drawn when empty.")] = "",
    looks: Annotated[Optional[float], typer.Option(help="Looks of the speckle; drawn when left out.")] = None,  # noqa: UP045
    offset: Annotated[bool, typer.Option("--offset", help="Add 1000 to the optical numbers, as since 2022.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the scenes, a data set of the layout `folder`.")] = Path(
        "scenes"
    ),
    as_json: Json = False,
) -> None:
    """Simulate co-registered optical, SAR and label scenes of no real place."""
    from claire.data.simulator.scene import Options
    from claire.pipeline import write_scenes

    options = Options(size, landscape or None, level or None, clouds or None, looks, offset)
    files = write_scenes(seed, count, options, out, report=show_progress)
    answer({"files": files}, f"{len(files)} files were written to {printable(out.name, 60)}.", as_json)


@models_app.command("card")
def models_card(
    name: Annotated[str, typer.Argument(help="Checkpoint.")],
    as_json: Json = False,
) -> None:
    """Say what a checkpoint reads, how good it is under which condition, what it costs and what it gets wrong."""
    from claire.pipeline import read_manifest, render_card

    manifest = read_manifest(name)
    answer(asdict(manifest), render_card(manifest), as_json)


@models_app.command("export")
def models_export(
    name: Annotated[str, typer.Argument(help="Checkpoint.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    kind: Annotated[
        str, typer.Option("--format", help="stac (item of the MLM extension, JSON) or huggingface (README.md).")
    ] = "stac",
    as_json: Json = False,
) -> None:
    """Write the model card for another catalogue."""
    from claire.pipeline import read_manifest
    from claire.pipeline.export import ExportFormat, write_export

    chosen = get_choice(ExportFormat, kind, "format")
    sha256 = write_export(read_manifest(name), chosen, out)
    answer({"file": out.name, "format": chosen, "sha256": sha256}, f"Written to {out.name}.", as_json)


@models_app.command("score")
def models_score(
    name: Annotated[str, typer.Argument(help="Checkpoint to score.")],
    data: Annotated[str, typer.Option(help="Layout of the data set.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    split: Annotated[str, typer.Option(help="Validation split.")] = "val",
    beside: Annotated[str, typer.Option(help="Checkpoints to show beside it in the card, by comma.")] = "",
    replicas: Annotated[str, typer.Option(help="Checkpoints of the same recipe with other seeds, by comma.")] = "",
    add: Annotated[
        str, typer.Option(help="Score only these conditions or protocols, by comma, and keep the rest of the card.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Fit temperatures, measure the usual conditions, calibration and cost on a validation split; writes the card."""
    from claire.pipeline import open_dataset
    from claire.pipeline.cards import score_checkpoint

    manifest = score_checkpoint(
        name,
        Settings.from_environment().checkpoints,
        open_dataset(data, root),
        split,
        beside=_split_names(beside) or (),
        replicas=_split_names(replicas) or (),
        added=_split_names(add) or (),
        report=show_progress,
    )
    answer(manifest.scores, as_score_table(manifest.scores), as_json)


@models_app.command("unseen")
def models_unseen(
    name: Annotated[str, typer.Argument(help="Checkpoint to describe.")],
    runs: Annotated[Path, typer.Option(help="Folder of the checkpoints NAME-1, NAME-2 ... of `train --fold`.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    data: Annotated[str, typer.Option(help="Layout of the data set.")] = "landcover",
    as_json: Json = False,
) -> None:
    """Score the runs of a recipe on the places they did not see; writes them into manifest and card of NAME."""
    from claire.data.landcover import FOLDS
    from claire.pipeline import open_dataset
    from claire.pipeline.folds import score_unseen

    folder = Settings.from_environment().checkpoints
    folds = range(1, FOLDS + 1)
    manifest = score_unseen(name, folder, folds, runs, open_dataset(data, root), report=show_progress)
    answer(manifest.scores, as_score_table(manifest.scores), as_json)


app.command()(train)


@app.command("app")
def run_app() -> None:
    """Start the app in the browser (`streamlit run app.py`)."""
    page = Path(__file__).resolve().parents[2] / "app.py"
    if not page.is_file():
        raise MissingFileError(
            "app.py is not beside the package.", "Run `streamlit run app.py` in a clone of the project."
        )
    raise typer.Exit(subprocess.call([sys.executable, "-m", "streamlit", "run", str(page)], cwd=page.parent))


def main(arguments: list[str] | None = None) -> None:
    """Entry point: turns what went wrong with the input into two lines, or into JSON, and exit 2."""
    given = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in given
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        status = typer.main.get_command(app).main(given, prog_name="claire", standalone_mode=False)
    except UsageError as error:
        what = error.format_message()
        if "Usage:" in what:  # a group called without a command: its help is the answer
            typer.echo(what, err=True)
            sys.exit(EXIT_WRONG)
        what, asked, guess = what.partition(" Did you mean")
        hint = f"See `{error.ctx.command_path if error.ctx else 'claire'} --help`."
        if asked:
            hint = f"{printable(asked + guess, LONGEST_USAGE).strip().rstrip('.')} {hint}"
        status = report_error(InputError(printable(what, LONGEST_USAGE).rstrip(".") + ".", hint), as_json)
    except typer.Abort:
        status = 130
    except ClaireError as error:
        status = report_error(error, as_json)
    sys.exit(status or 0)


def as_model_entry(entry: Any) -> dict[str, Any]:
    """One checkpoint as `claire models list --json` prints it."""
    manifest = entry.manifest
    return {
        "name": entry.name,
        "kind": entry.kind,
        "status": entry.status,
        "sha256": entry.sha256,
        "self_test": bool(manifest and manifest.golden),
        "title": manifest.title if manifest else "",
        "bands": {"optical": list(manifest.optical.bands), "sar": list(manifest.sar.bands)} if manifest else {},
        "classes": list(manifest.class_scheme.names) if manifest else [],
        "scores": manifest.scores if manifest else {},
    }


def _choose(mode: str) -> tuple[Mode, ...]:
    return MODES if mode == "all" else (get_choice(Mode, mode, "mode"),)


def _choose_unit(text: str, modality: Modality) -> Unit | None:
    if not text:
        return None
    if text not in UNITS_OF[modality]:
        raise UnknownNameError.among(f"{modality} unit", text, UNITS_OF[modality])
    unit: Unit = get_choice(Unit, text, "unit")
    return unit


def _parse_region(text: str) -> tuple[int, int, int, int]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.removeprefix("-").isdecimal() and len(part) < 10 for part in parts):
        raise ZoneError(
            f"The region {printable(text, 40)!r} is not four whole numbers.", "Give --region x0,y0,x1,y1 in pixels."
        )
    x0, y0, x1, y1 = map(int, parts)
    return x0, y0, x1, y1


def _split_names(text: str) -> tuple[str, ...] | None:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return names or None
