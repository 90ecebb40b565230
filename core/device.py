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


def keep_freed_memory() -> None:
    """Let this process keep the large blocks that it frees; does nothing where libc is not glibc.

    Each step on a CPU takes and frees as much as the gradient of the word embeddings; given back
    to the system in between, its pages are cleared and mapped anew each time (mallopt(3)). For the
    whole process, so it is the command line's to call and no library's.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for name, value in _MALLOC.items():
            mallopt(name, value)


_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h
_MALLOC = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1}


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
