"""What one forward of a network costs: parameters, operations, time."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from claire.core.manifest import Manifest
from claire.core.measured import Cost

SIDE = 256
REPEATS = 7


def measure_cost(network: torch.nn.Module, manifest: Manifest, side: int = SIDE, repeats: int = REPEATS) -> Cost:
    """Count and time one forward, all maps, of a pair of zeros that is observed everywhere.

    Args:
        network: In evaluation mode, where it is to be timed.
        manifest: Gives the number of bands.
        side: Of the input, pixels, a multiple of the network's stride.
        repeats: Forwards whose median time is taken, after one that warms up.

    Returns:
        The cost. Operations are counted by torch for convolutions, matrix products and attention; a multiplication with
        addition counts two, everything else nothing.
    """
    device = next(network.parameters()).device
    shapes = [(1, len(spec.bands), side, side) for spec in (manifest.optical, manifest.sar)]
    inputs = [
        make(shape, device=device).contiguous(memory_format=torch.channels_last)
        for make in (torch.zeros, torch.ones)
        for shape in shapes
    ]
    counter = FlopCounterMode(display=False)
    with torch.inference_mode():
        with counter:
            network(*inputs)
        seconds = [_time(network, inputs) for _ in range(repeats)]
    return Cost(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gflop=round(counter.get_total_flops() / 1e9, 3),
        side=side,
        latency_ms=round(1000 * statistics.median(seconds), 1),
        threads=torch.get_num_threads(),
        machine=_describe_machine(device),
    )


def _time(network: torch.nn.Module, inputs: list[torch.Tensor]) -> float:
    start = time.perf_counter()
    network(*inputs)
    if inputs[0].is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _describe_machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{next(names, platform.processor() or platform.machine())}, {os.cpu_count()} cores"
