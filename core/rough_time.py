"""How long a training would take here, from a few steps on some of its rows."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np

from .config import TrainConfig
from .data.dataset import select, to_score
from .data.load import Dataset, TrainingData
from .data.plans import evaluation_steps, steps_per_epoch
from .data.splits import limit_rows
from .device import pick_device
from .models import Resolved

log = logging.getLogger("titlekit")

_ROWS, _SCORED = 2048, 256  # training and validation rows that are tried, at most
_LARGE = 600e6  # bytes of weights whose steps would keep a person waiting on a CPU


def is_quick(found: Resolved, device: str) -> bool:
    """Return whether a model is small enough, or the device fast enough, to time it unasked."""
    if found.folder is None or pick_device(device).type == "cuda":
        return True
    weights = [*found.folder.glob("model*.safetensors"), *found.folder.glob("pytorch_model*.bin")]
    return sum(path.stat().st_size for path in weights) <= _LARGE


def training_time(
    config: TrainConfig, rows: Dataset, valid: Dataset | None, labels: list[str], max_length: int
) -> dict[str, Any]:
    """Return the seconds of a training as `config` asks for, and what they are made of.

    Steps and evaluations are tried on at most 2,048 rows and counted for all of them. Without
    `valid` the share that --valid names is taken off the rows.
    """
    from .estimate import estimate
    from .prepare import prepare

    share = config.valid_share or 0.0
    scored = round(share * len(rows)) if valid is None else len(valid)
    trained = len(rows) - (scored if valid is None else 0)
    some = limit_rows(rows.labels, np.arange(len(rows)), _ROWS, config.split_seed)
    data = TrainingData(
        select(rows, some, labels), _some(rows if valid is None else valid, labels, scored),
        labels, None, [], "", "",
    )  # fmt: skip
    asked = dataclasses.replace(
        config,
        plugins="",
        limit=None,
        max_length=str(max_length),
        folds=None,
        fold=None,
        seeds=None,
    )  # fmt: skip
    with _quiet():
        tried = estimate(prepare(asked, {}, [], data=data))
    per_epoch = steps_per_epoch(trained, config.batch_size)
    steps = max(1, round(config.epochs * per_epoch))
    evaluations = len(evaluation_steps(steps, per_epoch, config.eval_every)) if scored else 0
    evaluation = tried["seconds_per_evaluation"] * max(1.0, scored / _SCORED)
    return {
        "seconds": steps * tried["seconds_per_step"] + evaluations * evaluation,
        "seconds_per_step": tried["seconds_per_step"],
        "seconds_per_evaluation": evaluation,
        "steps": steps,
        "evaluations": evaluations,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "rows": trained,
        "validation_rows": scored,
        "max_length": max_length,
        "device": str(pick_device(config.device)),
    }


def _some(rows: Dataset, labels: list[str], count: int) -> Dataset | None:
    """Return rows to score, spread over all of them; None where there are none to score."""
    if not count:
        return None
    chosen = np.linspace(0, len(rows) - 1, min(count, _SCORED)).astype(np.int64)
    return to_score(select(rows, chosen, labels))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what a run would say of the few rows that are tried."""
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
