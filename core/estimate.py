"""How long a run would take and how much memory, from a few of its own steps on this machine."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .data.plans import evaluation_steps
from .data.tokens import Examples, Flat
from .device import peak_memory
from .prepare import Job
from .training.checkpoint import BestWeights
from .training.rehearsal import variants

if TYPE_CHECKING:
    from .training.trainer import Trainer

_ROWS = 256  # validation rows that are scored, at most


def estimate(job: Job) -> dict[str, Any]:
    """Return seconds and peak memory of a run, from a few steps and one evaluation of it.

    In each variant of a step (plugins that act every k steps) the widest batch comes first, for
    the memory; three batches of the first epoch, a narrow, a middling and a wide one, give the
    seconds. `steps_tried` counts them. The job is spent: its model has moved.
    """
    trainer = job.trainer
    run, feed = trainer.run, trainer.feed
    run.model.train()
    trainer.hooks.call.train_start(run=run)
    started = _now(trainer)
    feed.batch(0)  # its rows are drawn and its texts changed, as at the start of every epoch
    epoch = _now(trainer) - started
    lengths = feed.tokens.lengths
    by_width = sorted(feed.batches, key=lambda rows: len(rows) * int(lengths[rows].max()))
    typical = [by_width[len(by_width) * part // 6] for part in (1, 3, 5)]
    shares = variants(trainer)
    for number in shares:
        _steps(trainer, number, [feed.widest()])
    step = sum(share * _steps(trainer, number, typical) for number, share in shares.items())
    evaluation = _evaluation_seconds(trainer)
    epochs = -(-run.total_steps // run.steps_per_epoch)
    count = len(evaluation_steps(run.total_steps, run.steps_per_epoch, job.config.eval_every))
    return {
        "seconds": epochs * epoch + run.total_steps * step + count * evaluation,
        "seconds_before_epoch": epoch,
        "epochs": epochs,
        "seconds_per_step": step,
        "seconds_per_evaluation": evaluation,
        "steps_tried": len(shares) * (1 + len(typical)),
        **peak_memory(run.device),
    }


def _steps(trainer: Trainer, number: int, batches: list[np.ndarray]) -> float:
    """Return the mean seconds of steps on these batches, each taken as step `number`."""
    started = _now(trainer)
    for rows in batches:
        trainer.run.step = number
        trainer.optimizer_step(rows)
    return (_now(trainer) - started) / len(batches)


def _evaluation_seconds(trainer: Trainer) -> float:
    """Evaluate on some of the validation rows, best weights written as in a run."""
    whole = trainer.valid
    with tempfile.TemporaryDirectory(prefix="titlekit-") as folder:
        trainer.best = BestWeights(Path(folder))
        started = _now(trainer)
        if whole is None:
            trainer.hooks.call.evaluate(run=trainer.run)
            return _now(trainer) - started
        step = max(1, -(-len(whole) // _ROWS))
        trainer.valid = _some(whole, np.arange(0, len(whole), step))
        trainer.hooks.call.evaluate(run=trainer.run)
        seconds = _now(trainer) - started
        trainer.valid = whole
    return seconds * step


def _some(rows: Examples, numbers: np.ndarray) -> Examples:
    def pick(flat: Flat) -> Flat:
        offsets = np.concatenate([[0], flat.lengths[numbers].cumsum()])
        return Flat(np.concatenate([flat[number] for number in numbers]), offsets)

    old = rows.tokens
    types = None if old.types is None else pick(old.types)
    tokens = dataclasses.replace(old, ids=pick(old.ids), types=types)
    return Examples(tokens, rows.labels[numbers])


def _now(trainer: Trainer) -> float:
    import torch

    if trainer.run.device.type == "cuda":
        torch.cuda.synchronize(trainer.run.device)
    return time.perf_counter()
