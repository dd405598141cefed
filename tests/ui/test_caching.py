"""What is kept between reruns has limits, and belongs to its content, never to a file name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FILE_WORDS = {"name", "names", "path", "file", "filename", "file_name", "upload"}
CONTENT_WORDS = {"sha256", "digest", "fingerprint", "root", "folders"}
PERSONAL = {"_tile", "_upload"}


def find_caches(root: Path) -> Iterator[tuple[str, ast.FunctionDef, ast.expr]]:
    """Every use of `st.cache_data` and `st.cache_resource` in the app."""
    for path in (root / "app.py", *sorted((root / "pages").glob("*.py")), *sorted((root / "claire/ui").glob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    if "cache_data" in ast.unparse(decorator) or "cache_resource" in ast.unparse(decorator):
                        yield f"{path.name}:{node.name}", node, decorator


def keywords_of(decorator: ast.expr) -> dict[str, ast.expr]:
    return {k.arg: k.value for k in decorator.keywords if k.arg} if isinstance(decorator, ast.Call) else {}


@pytest.fixture(scope="module")
def caches(root: Path) -> list[tuple[str, ast.FunctionDef, ast.expr]]:
    return list(find_caches(root))


def test_caches_are_found(root: Path, caches: list[tuple[str, ast.FunctionDef, ast.expr]]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (root / "claire/ui").glob("*.py")]
    assert len(caches) == sum(text.count("st.cache_") for text in texts) >= 8


def test_every_cache_has_a_number_of_entries_and_a_lifetime(
    caches: list[tuple[str, ast.FunctionDef, ast.expr]],
) -> None:
    for where, _, decorator in caches:
        found = keywords_of(decorator)
        assert {"max_entries", "ttl"} <= set(found), where
        assert 0 < ast.literal_eval(found["max_entries"]) <= 1000, where
        lifetime = eval(ast.unparse(found["ttl"]), {"__builtins__": {}})  # noqa: S307 - products of numbers
        assert 0 < lifetime <= 24 * 3600, where


def test_nothing_is_keyed_by_a_file_name_alone(caches: list[tuple[str, ast.FunctionDef, ast.expr]]) -> None:
    for where, function, _ in caches:
        keys = {argument.arg for argument in function.args.args if not argument.arg.startswith("_")}
        assert not keys & FILE_WORDS or keys & CONTENT_WORDS, where


def test_pixels_of_a_user_stay_in_the_session(caches: list[tuple[str, ast.FunctionDef, ast.expr]]) -> None:
    personal = [
        (where, keywords_of(decorator))
        for where, function, decorator in caches
        if PERSONAL & {argument.arg for argument in function.args.args}
    ]
    assert len(personal) >= 3
    for where, found in personal:
        assert ast.literal_eval(found["scope"]) == "session", where
