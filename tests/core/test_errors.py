"""One tree of errors: a code, a sentence, a hint, and a builtin that callers already catch."""

from __future__ import annotations

import json

import pytest

from claire.core import errors
from claire.core.errors import ClaireError, InputError, UnknownNameError
from tests.sentences import all_kinds


def test_every_kind_has_a_code_of_its_own_and_a_line_in_the_drawn_tree() -> None:
    kinds = [kind for kind in all_kinds() if kind.__module__ == errors.__name__]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.__doc__


def test_a_kind_of_one_stage_is_told_under_the_code_of_its_base() -> None:
    strangers = [kind for kind in all_kinds() if kind.__module__ != errors.__name__]
    for kind in strangers:
        (base,) = kind.__bases__
        assert kind.code == base.code  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.InputError, ValueError),
        (errors.MissingFileError, FileNotFoundError),
        (errors.UnknownNameError, LookupError),
        (errors.CheckpointError, RuntimeError),
        (errors.EnvironmentUnsafeError, RuntimeError),
    ],
)
def test_each_can_be_caught_as_a_builtin(kind: type[ClaireError], builtin: type[Exception]) -> None:
    with pytest.raises(builtin):
        raise kind("What is wrong.", "What to do.")


@pytest.mark.parametrize("kind", all_kinds())
def test_message_and_hint_survive_as_text_and_as_json(kind: type[ClaireError]) -> None:
    error = kind("What is wrong.", "What to do.")
    assert str(error) == "What is wrong."
    assert json.loads(json.dumps(error.as_dict())) == {
        "code": kind.code,
        "message": "What is wrong.",
        "hint": "What to do.",
    }


def test_faults_of_checkpoints_and_of_the_machine_are_no_input_errors() -> None:
    assert not issubclass(errors.CheckpointError, InputError)
    assert not issubclass(errors.EnvironmentUnsafeError, InputError)


def test_an_unknown_name_lists_the_right_ones_sorted() -> None:
    error = UnknownNameError.among("mode", "both", ["sar", "fused", "optical"])
    assert "'both'" in error.message
    assert error.hint == "Choose one of: fused, optical, sar."
    assert UnknownNameError.among("model", "x", []).hint == "Choose one of: none."


@pytest.mark.parametrize("given", ["x" * 10_000, "\x00" * 300, "a\nb", "\u202e" * 100, "\ud800" * 50])
def test_what_a_user_typed_stays_short_and_on_one_line(given: str) -> None:
    error = UnknownNameError.among("model", given, [f"model-{i:03d}" for i in range(500)])
    assert len(error.message) <= 200
    assert len(error.hint) <= 200
    assert (error.message + error.hint).isprintable()
    assert error.hint.startswith("Choose one of: model-000, model-001")
    assert error.hint.endswith(" more.")
    shown = error.hint.count("model-")
    assert f"and {500 - shown} more." in error.hint


@pytest.mark.parametrize("kind", all_kinds())
def test_a_sentence_that_became_too_long_is_cut(kind: type[ClaireError]) -> None:
    error = kind("The file 'a' " + "is wrong " * 50 + ".", "Do " * 5000)
    assert len(str(error)) == len(error.message) <= 200
    assert len(error.hint) <= 200
    assert error.message.endswith("...")
    whole = kind("x" * 199 + ".", "y" * 199 + ".")
    assert (whole.message, whole.hint) == ("x" * 199 + ".", "y" * 199 + ".")
