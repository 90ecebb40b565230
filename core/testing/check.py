"""check_plugin: every part of the contract, one after the other, all faults at once."""

from __future__ import annotations

import contextlib
import logging
import random
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import TitlekitError, UsageError
from ..hooks.assembly import implementations
from ..hooks.plugin import Plugin
from ..hooks.registry import check_class
from . import answers, arithmetic, hot_path, runs, shape, state
from .bench import Bench, started
from .report import PluginFault, Report


class Check(NamedTuple):
    """One part of the contract: a function that gives a line for each fault."""

    name: str
    function: Callable[[Bench], Iterator[str]]
    needs: tuple[str, ...] = ()  # without these it would only say the same in other words
    hook: str = ""  # made only where a plugin implements it


def setup(bench: Bench) -> Iterator[str]:
    """A run can be built and begun."""
    started(bench.trainer())
    yield from ()


_ASKED = (
    Check("criterion", answers.criterion, ("hooks",), "criterion"),
    Check("param_groups", answers.param_groups, ("hooks",), "param_groups"),
    Check("schedule", answers.schedule, ("hooks",), "schedule"),
    Check("precision", answers.precision, ("hooks",), "precision"),
    Check("sampling", answers.sampling, ("hooks",), "sampling"),
    Check("targets", answers.targets, ("hooks",), "targets"),
    Check("augment", answers.augment, ("hooks",), "augment"),
)
CHECKS = (
    Check("words", shape.words),
    Check("options", shape.options),
    Check("spelling", shape.spelling, ("options",)),
    Check("hooks", shape.hooks, ("options",)),
    Check("declarations", shape.declarations, ("options",)),
    *_ASKED,
    Check("setup", setup, ("hooks", "declarations", *(check.name for check in _ASKED))),
    Check("results", arithmetic.results, ("setup",)),
    Check("training", runs.training, ("results",)),
    Check("put back", state.put_back, ("results",)),
    Check("interrupted", state.interrupted, ("put back",)),
    Check("accumulation", arithmetic.accumulation, ("put back",)),
    Check("layout", arithmetic.layout, ("put back",)),
    Check("cost", arithmetic.cost, ("results",)),
    Check("hot path", hot_path.hot_path, ("put back",)),
    Check("resume", runs.resume, ("training", "put back")),
    Check("used again", runs.used_again, ("resume",)),
    Check("beside others", runs.beside, ("training", "put back")),
)


def check_plugin(cls: type[Plugin], /, **options: Any) -> Report:
    """Check that a plugin keeps its contract (docs/hooks.md); return what was checked, with notes.

    Runs on the CPU, on random tokens and a small model made on the spot, for some seconds.
    `options` are set to other values than their defaults. Raises PluginFault with one line for
    each fault, UsageError for wrong `options`. A check whose need failed is left out: mend what is
    told and ask again.
    """
    where = getattr(cls, "__name__", repr(cls))
    try:
        check_class(cls, where)
    except UsageError as error:
        raise PluginFault(where, [str(error)]) from None
    bench = Bench(cls, options)
    bench.check_options()
    found = implementations(cls)
    faults: list[str] = []
    made: list[str] = []
    failed: set[str] = set()
    with _undisturbed():
        with state.settings_kept():
            bench.settle_on_classes()
        for check in CHECKS:
            if check.hook and check.hook not in found:
                continue
            if failed & set(check.needs):
                failed.add(check.name)
                continue
            new = _faults(check, bench)
            failed |= {check.name} if new else set()
            faults += new
            made.append(check.name)
    if faults:
        raise PluginFault(cls.name, faults)
    return Report(cls.name, tuple(made), tuple(dict.fromkeys(bench.notes)))


def _faults(check: Check, bench: Bench) -> list[str]:
    found = []
    with state.settings_kept():
        try:
            for fault in check.function(bench):
                found.append(fault)
        except Exception as error:
            found.append(f"{check.name}: {shape.told(error)}{_last_place(error)}")
    return found


def _last_place(error: Exception) -> str:
    """Return the last line outside of titlekit and its libraries that an exception came through."""
    root = str(Path(__file__).parents[1])
    if isinstance(error, TitlekitError):
        return ""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((root, "<")) and "site-packages" not in frame.filename:
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the caller's random streams, and titlekit's notes about these runs to ourselves."""
    import torch

    log = logging.getLogger("titlekit")
    disabled, log.disabled = log.disabled, True
    streams = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(streams[0])
        np.random.set_state(streams[1])
        log.disabled = disabled
