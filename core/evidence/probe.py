"""A classifier's accuracy on texts with faults: how much of it is lost, by kind and strength."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import Any

import numpy as np

from ..data.noise import FAULTS
from ..data.plans import stream
from ..inference.ensemble import Ensemble
from ..inference.predictor import Predictor
from ..inference.stream import WINDOW, progress_bar
from .evaluation import Evaluation

log = logging.getLogger("titlekit")

# What a strength means stands with each fault in data/noise.py.
STRENGTHS: dict[str, tuple[float, ...]] = {
    "ocr": (0.01, 0.03, 0.1),
    "case": (0.25, 0.5, 1.0),
    "truncation": (0.1, 0.25, 0.5),
    "header": (0.1, 0.5, 1.0),
    "hyphenation": (0.1, 0.3, 1.0),
}
_RESAMPLES = 2000


@dataclasses.dataclass(frozen=True)
class Faulty:
    """How the rows were answered with one fault at one strength; their labels stay."""

    fault: str
    strength: float
    rows_changed: int  # whose text is another
    answers_changed: int
    lost: int  # rows that were answered right, and are no more
    gained: int  # rows that are answered right only now
    accuracy: float
    difference: float  # to the accuracy without faults
    interval: dict[str, float]  # of the difference, 95 %: low, high
    recall: dict[str, float]  # label -> share of its rows answered right; nan: it has no rows


@dataclasses.dataclass(frozen=True)
class Probe:
    """The answers to one dataset without faults and with each of them."""

    seed: int
    rows: int
    accuracy: float  # without faults
    recall: dict[str, float]
    faults: list[Faulty]
    data: dict[str, str]  # name, sha256

    def to_json(self) -> dict[str, Any]:
        """Return everything, ready for JSON: what is undefined is None."""
        found = json.dumps(dataclasses.asdict(self))
        plain: dict[str, Any] = json.loads(found, parse_constant=lambda _: None)
        return plain


def probe(predictor: Predictor | Ensemble, evaluation: Evaluation, seed: int = 42) -> Probe:
    """Answer an evaluation's rows again, their texts damaged, at each of STRENGTHS.

    A row's damage depends on `seed`, the fault, its strength and the rows before it. Only texts
    that a fault changes are answered again; second texts of pairs stay as they are. The interval
    of a difference is paired: percentiles over resampled rows (Efron & Tibshirani 1993, ch. 13).
    """
    data, labels, clean = evaluation.dataset, evaluation.labels, evaluation.answers.predicted
    cells = [(fault, level) for fault, levels in STRENGTHS.items() for level in levels]
    log.info(
        "probe: %d faults, %d strengths in all: at most %s texts to answer",
        len(STRENGTHS), len(cells), f"{len(cells) * len(data):,}",
    )  # fmt: skip
    found = []
    with progress_bar(len(cells) * len(data)) as bar:
        for fault, strength in cells:
            rng = stream(seed, f"probe {fault}", round(strength * 1000))
            texts = [FAULTS[fault](text, strength, rng) for text in data.texts]
            changed = [row for row, text in enumerate(texts) if text != data.texts[row]]
            predicted = clean.copy()
            bar.update(len(data) - len(changed))
            for start in range(0, len(changed), WINDOW):
                rows = changed[start : start + WINDOW]
                pairs = None if data.pairs is None else [data.pairs[row] for row in rows]
                answers = predictor.predict([texts[row] for row in rows], pairs)
                predicted[rows] = answers.predicted
                bar.update(len(rows))
            found.append(_compared(fault, strength, len(changed), evaluation, predicted))
    return Probe(
        seed=seed,
        rows=len(data),
        accuracy=float(np.mean(clean == data.labels)),
        recall=_recall(clean, data.labels, labels),
        faults=found,
        data={"name": data.name, "sha256": data.sha256},
    )


def _compared(
    fault: str, strength: float, changed: int, evaluation: Evaluation, predicted: np.ndarray
) -> Faulty:
    labels, clean = evaluation.dataset.labels, evaluation.answers.predicted
    lost = int(((clean == labels) & (predicted != labels)).sum())
    gained = int(((clean != labels) & (predicted == labels)).sum())
    return Faulty(
        fault=fault,
        strength=strength,
        rows_changed=changed,
        answers_changed=int((clean != predicted).sum()),
        lost=lost,
        gained=gained,
        accuracy=float(np.mean(predicted == labels)),
        difference=(gained - lost) / len(labels),
        interval=paired_interval(lost, gained, len(labels)),
        recall=_recall(predicted, labels, evaluation.labels),
    )


def paired_interval(lost: int, gained: int, rows: int) -> dict[str, float]:
    """Return the 95 % interval of (gained - lost) / rows over resampled rows.

    A row is lost, gained or neither, so drawing rows with replacement is a multinomial draw. The
    draws are seeded.
    """
    shares = np.array([lost, gained, rows - lost - gained]) / rows
    drawn = stream(42, "paired bootstrap", 0).multinomial(rows, shares, _RESAMPLES)
    low, high = np.percentile((drawn[:, 1] - drawn[:, 0]) / rows, [2.5, 97.5])
    return {"low": float(low), "high": float(high)}


def _recall(predicted: np.ndarray, true: np.ndarray, labels: list[str]) -> dict[str, float]:
    found = {}
    for number, name in enumerate(labels):
        own = predicted[true == number]
        found[name] = float(np.mean(own == number)) if len(own) else float("nan")
    return found
