"""How well `titlekit check --suspects` finds wrong labels that were planted.

    python benchmarks/suspects.py DATA [--model minilm]

DATA is what `titlekit train` reads. 5 % of its labels are made wrong, by five seeds: evenly, and
with four fifths of them in the first class. Every row is answered by a model of five that has not
seen it, and the rows are ranked in four ways. Labels that were wrong before count as false alarms
here, so precision is a lower bound. Rows that stand in benchmarks/results/suspects.json are not
measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import time

import numpy as np
from record import Record, about
from sklearn.metrics import average_precision_score

from titlekit.core.config import BASELINE, TrainConfig
from titlekit.core.data.load import TrainingData, read_training
from titlekit.core.data.plans import stream
from titlekit.core.evidence.suspects import find_suspects, margins
from titlekit.core.suspects import out_of_fold

SHARE = 0.05
SEEDS = (1, 2, 3, 4, 5)
KINDS = ("even", "mostly in one class")
FOLDS = 5


def plant(labels: np.ndarray, classes: int, kind: str, seed: int) -> np.ndarray:
    """Return labels [N] of which a share is another class than before."""
    rng = stream(seed, "planted", KINDS.index(kind))
    count = round(SHARE * len(labels))
    chances = np.ones(len(labels))
    if kind != "even":
        first = labels == 0
        chances = np.where(first, 4 / first.sum(), 1 / (~first).sum())
    rows = rng.choice(len(labels), count, replace=False, p=chances / chances.sum())
    planted = labels.copy()
    planted[rows] = (labels[rows] + rng.integers(1, classes, count)) % classes
    return planted


def rankings(labels: np.ndarray, chances: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return for each way of ranking how suspicious each row is [N]: higher is more."""
    each = np.arange(len(labels))
    found = find_suspects(labels, chances)
    above = margins(chances, found.thresholds, labels)
    above[each, labels] = -np.inf
    listed = above.max(axis=1)  # behind the suspects all other rows, by their margins
    listed[found.rows] = 4 + found.scores
    return {
        "suspects": listed,
        "self-confidence": -chances[each, labels],
        "random": stream(seed, "random order", 0).permutation(len(labels)).astype(np.float64),
    }


def measure(record: Record, data: TrainingData, model: str, kind: str, seed: int) -> None:
    """Plant, answer out of fold, rank, and keep what was found."""
    true = data.train.labels
    planted = plant(true, len(data.labels), kind, seed)
    wrong = planted != true
    rows = dataclasses.replace(data, train=dataclasses.replace(data.train, labels=planted))
    config = TrainConfig(
        model=model, folds=FOLDS, split_seed=seed, seed=seed,
        valid="0" if model == BASELINE else "0.1",
    )  # fmt: skip
    started = time.perf_counter()
    chances = out_of_fold(config, {}, rows)
    seconds = time.perf_counter() - started
    found = find_suspects(planted, chances)
    caught = int(wrong[found.rows].sum())
    for ranking, scores in rankings(planted, chances, seed).items():
        first = np.argsort(-scores, kind="stable")[: wrong.sum()]
        record.add({
            "model": model, "kind": kind, "seed": seed, "ranking": ranking,
            "planted": int(wrong.sum()),
            "precision_at_planted": round(float(wrong[first].mean()), 4),
            "average_precision": round(float(average_precision_score(wrong, scores)), 4),
            "suspects": len(found.rows), "suspects_planted": caught,
            "estimated_wrong": round(found.wrong, 1),
            "accuracy_out_of_fold": round(float((chances.argmax(axis=1) == true).mean()), 4),
            "seconds": round(seconds, 1),
        })  # fmt: skip


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--model", default=BASELINE)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    given = parser.parse_args()
    logging.getLogger("titlekit").setLevel(logging.ERROR)
    data = read_training(TrainConfig(train=[given.data], valid="0"))
    record = Record("suspects", about("python benchmarks/suspects.py DATA", data))
    for kind in KINDS:
        for seed in SEEDS[: given.seeds]:
            if not record.has(model=given.model, kind=kind, seed=seed, ranking="random"):
                measure(record, data, given.model, kind, seed)


if __name__ == "__main__":
    main()
