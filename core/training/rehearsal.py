"""Steps that are tried before the first: memory runs out, or a plugin refuses, now or never."""

from __future__ import annotations

import collections
import copy
from typing import TYPE_CHECKING

from ..hooks.plugin import Plugin
from .memory import backward_in_memory
from .state import load_plugin_states, plugin_states, random_state, set_random_state

if TYPE_CHECKING:
    from .trainer import Trainer

VARIANTS = 8  # that are tried at most: with a variant a step all would be a training of its own


def variants(trainer: Trainer) -> dict[int, float]:
    """Return the first step of each variant of a step, and that variant's share of the run.

    Variants are those of all plugins together, as their phase() says; the commonest come first.
    """
    plugins = [p for p in trainer.hooks.plugins if type(p).phase is not Plugin.phase]
    first: dict[tuple[int, ...], int] = {}
    counted: collections.Counter[tuple[int, ...]] = collections.Counter()
    for number in range(trainer.run.total_steps if plugins else 1):
        variant = tuple(plugin.phase(number) for plugin in plugins)
        first.setdefault(variant, number)
        counted[variant] += 1
    found = counted.most_common(VARIANTS)
    total = sum(count for _, count in found)
    return {first[variant]: count / total for variant, count in found}


def rehearse(trainer: Trainer) -> None:
    """Try the widest batch in each variant of a step, then put everything back."""
    run, plugins = trainer.run, trainer.hooks.plugins
    trainer.feed.batch(0)  # the epoch's rows and texts are drawn once, and that counts
    before, states = random_state(run), copy.deepcopy(plugin_states(plugins))
    try:
        for number in variants(trainer):
            run.step = number
            backward_in_memory(trainer, trainer.feed.widest())
            run.optimizer.zero_grad(set_to_none=True)
    finally:
        run.step = 0
    run.forwards = 0
    load_plugin_states(plugins, states)
    set_random_state(run, before)
