"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from claire.core.files import appearing


def test_a_file_appears_at_the_end_and_may_be_read_by_others(tmp_path: Path) -> None:
    final = tmp_path / "a.bin"
    with appearing(final) as partial:
        partial.write_bytes(b"new")
        assert not final.exists()
    assert final.read_bytes() == b"new"
    assert final.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [final]


def test_a_fault_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    final = tmp_path / "a.bin"
    final.write_bytes(b"old")

    def fail_half_way() -> None:
        with appearing(final) as partial:
            partial.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert final.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [final]
