"""Where a model computes, and how much memory that has taken."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    import torch


def pick_device(name: str = "auto") -> torch.device:
    """Return the device of a name: auto (a CUDA device if there is one), cpu, cuda or cuda:N."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device: expected auto, cpu, cuda or cuda:N, got {name!r}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"--device {name}: no CUDA device here  (titlekit doctor says what is)")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"--device {name}: there are {torch.cuda.device_count()} CUDA devices")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"--device: expected auto, cpu, cuda or cuda:N, got {name!r}")
    return device


def peak_memory(device: torch.device) -> dict[str, float]:
    """Return the most memory that this process has held so far, in MB (1e6 bytes).

    peak_memory_mb is the process's own, nan where the system does not tell; on a CUDA device
    peak_gpu_memory_mb is that of its tensors.
    """
    found = {"peak_memory_mb": float("nan")}
    try:
        import resource
    except ImportError:  # Windows
        pass
    else:
        unit = 1 if sys.platform == "darwin" else 1024  # macOS tells bytes, Linux KiB
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        found["peak_memory_mb"] = round(peak / 1e6, 1)
    if device.type == "cuda":
        import torch

        most = torch.cuda.max_memory_allocated(device)
        found["peak_gpu_memory_mb"] = round(most / 1e6, 1)
    return found
