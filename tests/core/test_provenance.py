"""Provenance: hashes as sha256sum gives them, versions without imports."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from claire.core import provenance
from claire.core.provenance import Provenance, compute_sha256, read_versions


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path, size: int) -> None:
    content = bytes(i % 251 for i in range(997)) * (size // 997 + 1)
    (tmp_path / "f").write_bytes(content[:size])
    assert compute_sha256(tmp_path / "f") == hashlib.sha256(content[:size]).hexdigest()


def test_versions_are_recorded_and_absent_packages_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "RECORDED_PACKAGES", ("numpy", "no-such-package-at-all"))
    versions = read_versions()
    assert versions["no-such-package-at-all"] == "absent"
    assert versions["numpy"][0].isdigit()
    assert Provenance("m", "00").versions == versions
