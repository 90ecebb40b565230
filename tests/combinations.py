"""Plugins tried together: which pairs and sets, and what must hold for each of them.

The proofs here take a few steps of a small model. They are functions, so that pairs and sets are
held to the same.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from cases import CASES, CLOCKS
from steps import equal, gradients, largest_difference, plugins, small_trainer, weights_of
from titlekit import Plugin, Run, Trainer
from titlekit.core.hooks.assembly import HOOKS, Hooks, implementations
from titlekit.core.hooks.registry import spell_plugins
from titlekit.core.training import state
from titlekit.core.training.checkpoint import pack, unpack

Names = tuple[str, ...]


# Each plugin as CASES has it; fgm and pgd once more, for at the table they borrow weights.
FORMS: dict[str, str] = {
    **{name: text for name, (text, _) in CASES.items()},
    "fgm-table": "fgm(epsilon=0.7)",
    "pgd-table": "pgd(alpha=0.5,steps=2)",
}
AT_TABLE = {"fgm-table", "pgd-table"}
FREEZERS = {"freeze", "lora"}  # whose runs train no table


def spelling(names: Sequence[str]) -> str:
    return ",".join(FORMS[name] for name in names)


MADE: dict[str, Plugin] = {name: plugins(FORMS[name])[0] for name in sorted(FORMS)}
ADVERSARIES = [name for name in MADE if "backward" in implementations(MADE[name])]
SWAPPERS = [name for name in MADE if "evaluate" in implementations(MADE[name])]
LOSSES = [name for name in MADE if MADE[name].slot == "loss"]


def fits(one: str, other: str) -> bool:
    if {one, other} & AT_TABLE and {one, other} & FREEZERS:
        return False
    return MADE[one].slot is None or MADE[one].slot != MADE[other].slot


PAIRS: list[Names] = [pair for pair in itertools.combinations(MADE, 2) if fits(*pair)]


def draw(number: int) -> Names:
    """Return the set of that number, 3 to 8 plugins: a function of the names in FORMS alone."""
    rng, names = random.Random(number), sorted(FORMS)
    chosen = [names[number % len(names)]]  # so that every plugin stands in some set
    size = rng.randint(3, 8)
    for name in rng.sample(names, len(names)):
        if len(chosen) < size and name not in chosen and all(fits(name, c) for c in chosen):
            chosen.append(name)
    return tuple(sorted(chosen))


_COUNT = max(30, len(FORMS))
SETS: list[Names] = list(dict.fromkeys(draw(number) for number in range(2 * _COUNT)))[:_COUNT]


def shuffled(names: Names, number: int = 0) -> Names:
    """Return the names in another order, the same for the same number."""
    return tuple(random.Random(f"{number} {' '.join(names)}").sample(names, len(names)))


def stateful(names: Sequence[str]) -> bool:
    """Return whether a plugin has something of its own to save."""
    return any(
        type(MADE[name]).state_dict is not Plugin.state_dict or MADE[name].slot == "precision"
        for name in names
    )


def still(trainer: Trainer) -> Trainer:
    """Switch dropout off: passes of any shape then compute the same."""
    for module in trainer.run.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return trainer


def prove_spelling(names: Names) -> None:
    """What a run writes down makes the same plugins with the same options again."""
    made = plugins(spelling(names))
    again = plugins(spell_plugins(made))
    expected = sorted((plugin.name, plugin.options()) for plugin in made)
    assert [(plugin.name, plugin.options()) for plugin in again] == expected


def prove_call_order(orders: Iterator[Names]) -> int:
    """Behind every hook the plugins stand in one order; return how many listings were tried."""
    found = []
    for names in orders:
        hooks = Hooks([MADE[name] for name in names])
        found.append({hook: hooks.order(hook) for hook in HOOKS})
    assert all(order == found[0] for order in found)
    return len(found)


def prove_orders(orders: Sequence[Names]) -> list[Trainer]:
    """One batch gives finite gradients, the same bits in every order, and leaves the weights.

    Returns the trainers, one an order.
    """
    found, trainers = [], []
    for names in orders:
        trainer = small_trainer(spelling(names), dropout=0.1)
        before = weights_of(trainer.run.model)
        found.append(gradients(trainer, trainer.feed.batch(0)))
        assert equal(before, weights_of(trainer.run.model))
        trainers.append(trainer)
    assert found[0]
    assert all(bool(value.isfinite().all()) for value in found[0].values())
    assert all(equal(found[0], other) for other in found[1:])
    return trainers


def packed(trainer: Trainer) -> tuple[Any, dict[str, torch.Tensor]]:
    """Return the trainer's whole state as it is saved, but for clocks."""
    tensors: dict[str, torch.Tensor] = {}
    found = state.state_dict(trainer)
    for name in CLOCKS & found["plugins"].keys():
        found["plugins"][name]["state"] = {}
    return pack(found, tensors), tensors


def prove_resume(whole: Trainer, second: Trainer, steps: int) -> None:
    """From the state after so many steps the second trainer takes the next alike, bit for bit."""
    whole.hooks.call.train_start(run=whole.run)
    torch.manual_seed(3)
    for step in range(steps):
        whole.optimizer_step(whole.feed.batch(step))
    saved, tensors = packed(whole)
    whole.optimizer_step(whole.feed.batch(steps))
    end = packed(whole)
    # As in another process: random streams stand elsewhere, and the state brings its own.
    torch.manual_seed(99)
    second.run.generator.manual_seed(99)
    state.load_state_dict(second, unpack(saved, tensors))
    second.hooks.call.train_start(run=second.run)
    second.optimizer_step(second.feed.batch(steps))
    found = packed(second)
    assert end[0] == found[0]
    assert equal(end[1], found[1])


def prove_accumulation(trainer: Trainer) -> None:
    """Micro-batches of 4 and 3 rows add up to their batch.

    With a plugin that acts on each micro-batch by itself they add up to the mean of those alone.
    """
    run, rows = still(trainer).run, trainer.feed.batch(2)[:7]
    run.precision.autocast = contextlib.nullcontext  # bfloat16 would round sums in their last bit
    if all(plugin.accumulates() for plugin in trainer.hooks.plugins):
        expected = gradients(trainer, rows)
    else:
        parts = [(len(part) / 7, gradients(trainer, part)) for part in np.array_split(rows, 2)]
        expected = {name: sum(share * part[name] for share, part in parts) for name in parts[0][1]}
    run.micro_batches = 2
    assert largest_difference(expected, gradients(trainer, rows)) < 1e-6


class Interruption(BaseException):
    """As with Ctrl-C, no ``except Exception`` sees it: only a finally cleans up behind it."""


@contextlib.contextmanager
def failing(run: Run, moment: int) -> Iterator[None]:
    """Let the `moment`-th forward or backward pass from here fail, counted from 1."""
    moments = itertools.count(1)

    def tick(*_) -> None:
        if next(moments) == moment:
            raise Interruption

    def scaled(loss: torch.Tensor) -> torch.Tensor:
        loss = scale(loss)
        loss.register_hook(tick)
        return loss

    scale, run.precision.scale = run.precision.scale, scaled
    handle = run.model.register_forward_hook(tick)
    try:
        yield
    finally:
        handle.remove()
        run.precision.scale = scale


def left_behind(model) -> dict[str, tuple]:
    """Return what a plugin might forget to put back at modules and parameters, values aside."""
    modules = {
        f"module {name}": (module.training, *module._forward_hooks, "|", *module._forward_pre_hooks)
        for name, module in model.named_modules()
    }
    return modules | {
        name: (parameter.requires_grad, parameter.data_ptr())
        for name, parameter in model.named_parameters()
    }


BATCH = np.arange(4)


@functools.cache
def gradients_without_attack(names: Names) -> dict[str, torch.Tensor]:
    return gradients(still(small_trainer(spelling(names))), BATCH)


def prove_step_may_fail(names: Names) -> None:
    """Whichever pass of a micro-batch fails: weights and earlier gradients are as they were.

    Before the clean backward pass the gradients are those of the micro-batches before; after it
    they hold its own too, for no attack adds any before its last backward pass.
    """
    others = tuple(name for name in names if name not in ADVERSARIES)
    clean, looks = gradients_without_attack(others), Hooks([MADE[name] for name in others]).passes()
    trainer = still(small_trainer(spelling(names)))
    model = trainer.run.model.train()
    torch.manual_seed(5)
    earlier = {name: torch.randn_like(value) for name, value in clean.items()}
    both = {name: value + clean[name] for name, value in earlier.items()}

    def attempt(moment: int) -> tuple[bool, dict[str, torch.Tensor]]:
        for name, parameter in model.named_parameters():
            parameter.grad = earlier[name].clone() if name in earlier else None
        with failing(trainer.run, moment):
            try:
                trainer.backward(BATCH)
                failed = False
            except Interruption:
                failed = True
        return failed, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}

    weights, rest = weights_of(model), left_behind(model)
    _, undisturbed = attempt(0)
    for moment in itertools.count(1):
        failed, found = attempt(moment)
        assert equal(weights, weights_of(model))
        assert left_behind(model) == rest
        if not failed:
            break
        assert equal(found, earlier if moment <= looks + 1 else both)
    assert equal(found, undisturbed)
    # A backward pass for each time that the objective was run: every moment was tried.
    assert moment - 1 == trainer.hooks.passes() + trainer.hooks.passes() / looks


def prove_evaluation_may_fail(names: Names) -> None:
    """An evaluation, failed or not, leaves the raw weights, though it has kept an average."""
    trainer = small_trainer(spelling(names))
    run, model = trainer.run, trainer.run.model
    model.train()
    trainer.hooks.call.train_start(run=run)
    for step in range(2):
        trainer.optimizer_step(trainer.feed.batch(step))
    weights, rest = weights_of(model), left_behind(model)
    with failing(run, 1), contextlib.suppress(Interruption):
        trainer.hooks.call.evaluate(run=run)
        raise AssertionError("the evaluation did not fail")
    assert equal(weights, weights_of(model))
    assert left_behind(model) == rest
    trainer.hooks.call.evaluate(run=run)
    assert equal(weights, weights_of(model))
    assert left_behind(model) == rest
    assert not equal(weights, trainer.best.memory)
