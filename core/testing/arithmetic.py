"""What a micro-batch gives, what several add up to, and how often the model is run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..hooks.step import Output
from ..training.trainer import Trainer
from ..unpadded import PADDED
from .bench import PARTS, ROWS, Bench, apart, gradients, same, started, variants

if TYPE_CHECKING:
    from torch import Tensor

_CLOSE = 1e-4  # of the largest gradient: what float32 sums in another order may differ by


def results(bench: Bench) -> Iterator[str]:
    """objective and backward return one loss a row; backward detaches its own."""
    trainer = started(bench.trainer())
    answers: dict[str, Any] = {}
    for name in ("objective", "backward"):
        _keep(trainer.hooks.call, name, answers)
    error = None
    try:
        trainer.backward(ROWS)
    except Exception as caught:
        error = caught  # of core, which was given something else than it expects
    faults = list(_wrong_results(answers, len(bench.labels)))
    yield from faults
    if error and not faults:
        raise error


def _wrong_results(answers: dict[str, Any], classes: int) -> Iterator[str]:
    import torch

    shapes = {"losses": (len(ROWS),), "logits": (len(ROWS), classes)}
    output = answers.get("objective")
    if output is not None and not isinstance(output, Output):
        yield f"objective: expected a titlekit.Output, got {type(output).__name__}"
        return
    for name, shape in shapes.items():
        found = getattr(output, name, None)
        if found is not None and (found.shape != shape or found.dtype != torch.float32):
            yield (
                f"objective: expected {name} of shape {shape} in float32, got "
                f"{tuple(found.shape)} in {found.dtype}"
            )
            return
    if output is not None and not output.losses.isfinite().all():
        yield "objective: a loss is not finite"
        return
    losses = answers.get("backward")
    if losses is None:
        return
    if not isinstance(losses, torch.Tensor) or losses.shape != shapes["losses"]:
        yield f"backward: expected losses of shape {shapes['losses']}; return what yield gave"
    elif losses.requires_grad:
        yield "backward: its losses must be detached, or the memory of each step is kept"


def _keep(call: Any, name: str, answers: dict[str, Any]) -> None:
    asked = getattr(call, name)

    def keep(**arguments: Any) -> Any:
        answers[name] = asked(**arguments)
        return answers[name]

    setattr(call, name, keep)


def accumulation(bench: Bench) -> Iterator[str]:
    """Micro-batches add up to the whole batch, or to the mean of themselves alone, as declared."""
    plain = bench.trainer(dropout=0.0)
    for step in variants(started(plain), bench.own(plain)):
        whole, again = (gradients(_exact(bench, 1), step=step, seed=seed) for seed in (7, 8))
        if not same(whole, again):
            bench.notes.append(
                "accumulates(): the plugin draws at random, so the sums were not compared"
            )
            return
        parts = gradients(_exact(bench, PARTS), step=step)
        difference = apart(whole, parts)
        if bench.own(plain).accumulates():
            if difference > _CLOSE:
                yield (
                    f"accumulates(): it says True, and {PARTS} micro-batches differ from the whole "
                    f"batch by {difference:.1%} of the largest gradient; return False, or compute "
                    "row by row"
                )
                return
            continue
        if apart(_mean_of_parts(bench, step), parts) > _CLOSE:
            yield (
                "accumulates(): it says False, and micro-batches are not the mean of themselves "
                "alone either; use this one's gradient (titlekit.isolated_grad) and no other's"
            )
            return
        if difference <= _CLOSE:
            bench.notes.append("accumulates(): it says False, and micro-batches added up exactly")


def layout(bench: Bench) -> Iterator[str]:
    """With layout "any", batches without padding give the gradients of padded ones."""
    plain = bench.trainer(dropout=0.0)
    if not plain.feed.layout.unpadded:
        return
    for step in variants(started(plain), bench.own(plain)):
        whole, again = (gradients(_exact(bench, 1), step=step, seed=seed) for seed in (7, 8))
        if not same(whole, again):
            bench.notes.append("layout: the plugin draws at random, so none was compared")
            return
        side_by_side = _exact(bench, 1)
        side_by_side.feed.layout = PADDED
        difference = apart(whole, gradients(side_by_side, step=step))
        if difference > _CLOSE:
            yield (
                'layout: it says "any", and without padding gradients differ from those of padded '
                f"batches by {difference:.1%} of the largest; see which row a token is of in "
                'step.row_of_token, or leave layout at "padded"'
            )
            return


def _mean_of_parts(bench: Bench, step: int) -> dict[str, Tensor]:
    weights = bench.trainer([]).feed.weights
    total: dict[str, Tensor] = {}
    for part in np.array_split(ROWS, PARTS):
        share = float(weights[part].sum() / weights[ROWS].sum())
        for name, value in gradients(_exact(bench, 1), part, step=step).items():
            total[name] = total[name] + share * value if name in total else share * value
    return total


def _exact(bench: Bench, parts: int) -> Trainer:
    """Return a trainer without dropout that computes in float32 under whatever precision."""
    trainer = bench.trainer(dropout=0.0, parts=parts)
    # The rounding of a short type is not what is compared.
    trainer.run.precision.autocast = contextlib.nullcontext
    return trainer


def cost(bench: Bench) -> Iterator[str]:
    """passes() is what is counted, on average over the steps of a run."""
    trainer = started(bench.trainer())
    run, plugin, counted = trainer.run, bench.own(trainer), [0]
    handle = run.model.register_forward_pre_hook(lambda *_: _one_more(counted))
    cycle = _cycle([plugin.phase(number) for number in range(4 * run.total_steps)])
    steps = cycle or run.total_steps
    try:
        for number in range(steps):
            run.step = number
            trainer.backward(ROWS)
    finally:
        handle.remove()
    found, said = counted[0] / steps, plugin.passes()
    # Without a cycle the run may end in the middle of what repeats: one step more or less.
    if abs(found - said) > (1e-6 if cycle else 1.0 / steps + 1e-6) * max(1.0, said):
        yield (
            f"passes(): it says {said:g}, and {found:g} forward passes a micro-batch were counted "
            f"in {steps} step{'' if steps == 1 else 's'}; return what is run on average"
        )


def _one_more(counted: list[int]) -> None:
    counted[0] += 1


def _cycle(phases: list[int]) -> int:
    """Return the length of what repeats in the phases, 0 where nothing does within a half."""
    half = len(phases) // 2
    return next(
        (n for n in range(1, half + 1) if phases[n:] == phases[: len(phases) - n]),
        0,
    )
