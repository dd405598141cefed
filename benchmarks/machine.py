"""What a measurement ran on, without names of hosts or people."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from claire.core.provenance import read_versions


def describe_machine(threads: int) -> str:
    """Processor, cores, threads used, memory, system and versions, in a few lines."""
    versions = " ".join(f"{package} {version}" for package, version in read_versions().items())
    return "\n".join(
        (
            f"processor  {_read_processor()}, {os.cpu_count()} cores, {threads} threads used",
            f"memory     {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
            f"system     {platform.system()} {platform.machine()}",
            f"load       {os.getloadavg()[0]:.1f} before the start",
            f"versions   {versions}",
        )
    )


def _read_processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")
