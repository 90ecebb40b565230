"""What a step does between its tensors: host reads, Python state, operations."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from ..hooks.plugin import Plugin
from .bench import ROWS, Bench, started

_STEPS = 6
_HOT = ("targets", "backward", "after_step")
_READS = {"aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten._unique2"}
# On the CPU some reads ask for no operation: they are known by the name of what is called.
_CALLS = {"item", "tolist", "numpy", "cpu", "__array__", "__bool__", "__int__", "__float__"}
_COPIES = {"tensor", "as_tensor", "from_numpy"}
_TORCH = str(Path(torch.__file__).parent)
_CORE = str(Path(__file__).parents[1])
_STANDARD = sysconfig.get_path("stdlib")


@dataclasses.dataclass
class Watched:
    """What the hooks of one step did."""

    phase: int
    operations: list[str] = dataclasses.field(default_factory=list)
    reads: dict[str, str] = dataclasses.field(default_factory=dict)  # what, by place
    state: dict[str, Any] = dataclasses.field(default_factory=dict)  # plain values afterwards

    quiet: bool = False  # whether reads are those of the CPU alone

    def read(self, what: str) -> None:
        """Note a read of the plugin's code; the call, not the operations that it leads to."""
        place = None if self.quiet else _place()
        if place:
            self.reads.setdefault(place, what)


class _Calls(TorchFunctionMode):
    """Sees what Python calls, also where it runs no operation."""

    def __init__(self, seen: Watched) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _CALLS:
            self.seen.read(f"reads a tensor on the host ({name})")
        if name in _COPIES:
            self.seen.read(f"copies a value from the host ({name})")
        self.seen.quiet = name == "one_hot" and _knows_classes(*args[1:], **(kwargs or {}))
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.seen.quiet = False


def _knows_classes(num_classes: int = -1, **others: Any) -> bool:
    """Return whether one_hot is told how many classes there are.

    Then it reads on the CPU alone: least and largest label, to refuse what is out of range. On a
    GPU it leaves that to an assertion in the kernel of scatter_, and nothing waits (ATen's
    Onehot.cpp). Without a number it reads the largest label everywhere.
    """
    return num_classes >= 0


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation, those of backward passes too."""

    def __init__(self, seen: Watched) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen = seen

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func).rpartition(".")[0]
        self.seen.operations.append(name)
        if name in _READS or (name in ("aten.index", "aten.index_put_") and _has_mask(args)):
            self.seen.read(f"reads a tensor on the host ({name.removeprefix('aten.')})")
        return func(*args, **(kwargs or {}))


def _has_mask(args: Any) -> bool:
    return any(isinstance(one, torch.Tensor) and one.dtype == torch.bool for one in args[1])


def _place() -> str | None:
    """Return where in the plugin's code a call comes from; None: from elsewhere."""
    frame = sys._getframe(1)
    while frame.f_code is not _watched.__code__ and frame.f_back is not None:
        file = frame.f_code.co_filename
        standard = file.startswith(_STANDARD) and "site-packages" not in file
        if not standard and not file.startswith((_TORCH, _CORE, "<")) and "/pluggy/" not in file:
            # The model reads masks by itself, with or without plugins.
            own = "/transformers/" not in file and "/peft/" not in file
            return f"{Path(file).name}, line {frame.f_lineno}" if own else None
        frame = frame.f_back
    return None


def _watched(seen: list[Watched], hook: Any, **arguments: Any) -> Any:
    with _Calls(seen[-1]), _Operations(seen[-1]):
        return hook(**arguments)


def watch(bench: Bench) -> list[Watched]:
    """Return what the hooks did in each of some steps, all on the same rows."""
    trainer = started(bench.trainer())
    plugin, seen = bench.own(trainer), list[Watched]()
    call = trainer.hooks.call
    for name in _HOT:
        setattr(call, name, functools.partial(_watched, seen, getattr(call, name)))
    for number in range(_STEPS):
        seen.append(Watched(plugin.phase(number)))
        trainer.optimizer_step(ROWS)
        seen[-1].state = _plain_state(plugin)
    return seen


def _plain_state(plugin: Plugin) -> dict[str, Any]:
    held = {name: _plain(value) for name, value in vars(plugin).items() if name != "_counters"}
    counters = vars(plugin).get("_counters", {})
    return held | {f"count({what!r})": _plain(value) for what, value in counters.items()}


def _plain(value: Any) -> Any:
    """Return a copy of what is no tensor and no object."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | float | str) else None


def hot_path(bench: Bench) -> Iterator[str]:
    """No host read and no Python state where capture_safe says so; phases are what they say."""
    steps = watch(bench)
    first = {one.phase: number for number, one in reversed([*enumerate(steps)])}
    later = [number for number, one in enumerate(steps) if number != first[one.phase]]
    safe = bench.cls.capture_safe
    reads = {place: what for number in later for place, what in steps[number].reads.items()}
    for place, what in reads.items():
        if safe:
            yield (
                f"{place}: {what}, and a GPU waits there in every step; keep it a tensor, or set "
                "capture_safe = False"
            )
        else:
            bench.notes.append(f"{place}: {what}: a GPU waits there in every step")
    held = [steps[number].state for number in later]
    moving = {
        name
        for one, other in itertools.pairwise(held)
        for name in other
        if one.get(name) != other[name]
    }
    if safe:
        for name in sorted(moving):
            yield (
                f"{name}: Python state that changes in every step; keep it in a tensor, or set "
                "capture_safe = False"
            )
    if not reads and not (safe and moving):
        yield from _phases(steps, later)


def _phases(steps: list[Watched], later: list[int]) -> Iterator[str]:
    like: dict[int, int] = {}
    for number in later:
        phase = steps[number].phase
        other = like.setdefault(phase, number)
        if steps[other].operations != steps[number].operations:
            yield (
                f"phase(): steps {other} and {number} are both variant {phase}, and differ in what "
                "they run; return another number for each variant"
            )
            return
