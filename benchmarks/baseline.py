"""The settings of `--model tfidf-lr`, chosen on training rows; then one look at the test rows.

    python benchmarks/baseline.py DATA [--test FILE]

DATA is what `titlekit train` reads. Each choice of n-grams and of C is scored on validation rows
that five seeds split off DATA; no test row takes part. --test scores the settings that the program
has, trained on all rows of DATA, on FILE, and times it in seconds of CPU, which do not depend on
what else the machine does (run it with OMP_NUM_THREADS=1). Rows that stand in
benchmarks/results/baseline.json are not measured again.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import numpy as np
from record import Record, about

from titlekit.core.baseline.fit import Settings, fit
from titlekit.core.config import TrainConfig
from titlekit.core.data.dataset import select
from titlekit.core.data.load import load_labelled, load_training, read_training
from titlekit.core.evidence.evaluation import evaluate
from titlekit.core.inference.bag import hold_bag
from titlekit.core.inference.decision import Decision
from titlekit.core.inference.ngrams import CHAR, WORD, Grams
from titlekit.core.inference.predictor import Input
from titlekit.core.training.metrics import evaluate_scores

SEEDS = (1, 2, 3, 4, 5)
STRENGTHS = (0.3, 1.0, 3.0)
_WORDS = Grams(WORD, 1, 2)
CHOICES = {
    "words 1-2": Settings(grams=(_WORDS,)),
    "characters 1-4": Settings(grams=(Grams(CHAR, 1, 4),)),
    "words 1-2, characters 2-4": Settings(grams=(_WORDS, Grams(CHAR, 2, 4))),
    "words 1-2, characters 1-4": Settings(grams=(_WORDS, Grams(CHAR, 1, 4))),
    "words 1-2, characters 1-5": Settings(grams=(_WORDS, Grams(CHAR, 1, 5))),
    "words 1-2, characters 1-4, case kept": Settings(
        grams=(Grams(WORD, 1, 2, False), Grams(CHAR, 1, 4, False))
    ),
    "words 1-2, characters 1-4, classes weigh the same": Settings(class_weight="balanced"),
}
TITLES = 100_000


def choose(record: Record, path: str) -> None:
    """Score every choice on every split."""
    for seed in SEEDS:
        todo = [
            (name, strength)
            for name in CHOICES
            for strength in STRENGTHS
            if not record.has(kind="choice", ngrams=name, C=strength, split_seed=seed)
        ]
        if not todo:
            continue
        data = load_training(TrainConfig(train=[path], split_seed=seed))
        for name, strength in todo:
            settings = Settings(**{**vars(CHOICES[name]), "strength": strength})
            done = fit(data.train, data.labels, settings)
            chances = _answers(done.bag.logits(data.valid.texts))
            found = evaluate_scores(chances, data.valid.labels, data.labels, data.positive)
            record.add({
                "kind": "choice", "ngrams": name, "C": strength, "split_seed": seed,
                "rows": len(data.train), "validation_rows": len(data.valid),
                **{key: round(found[key], 4) for key in ("accuracy", "f1", "roc_auc")},
                "numbers": done.bag.coefficients.size, "seconds": round(done.seconds, 2),
            })  # fmt: skip


def report(record: Record, path: str, test: str) -> None:
    """Train the program's own settings on all rows, score the test rows, and time it."""
    data = read_training(TrainConfig(train=[path], valid="0"))
    some = np.arange(0, len(data.train), 50)
    fit(select(data.train, some, data.labels), data.labels)  # loads what it needs
    started = time.process_time()
    done = fit(data.train, data.labels)
    fitted = time.process_time() - started
    predictor = hold_bag(done.bag, Input(positive=data.positive), Decision(), None)
    rows = load_labelled(test, data.labels)
    found = evaluate(predictor, rows)
    times = -(-TITLES // len(data.train))
    titles = (data.train.texts * times)[:TITLES]
    started = time.process_time()
    predictor.predict(titles)
    answered = time.process_time() - started
    record.add({
        "kind": "test", "data": Path(test).name, "sha256": rows.sha256, "rows": len(rows),
        "blank_rows": found.blank_rows, "train_rows": len(data.train),
        **{key: round(found.metrics[key], 4) for key in ("accuracy", "f1", "roc_auc", "ece")},
        "accuracy_all_rows": round(found.accuracy_all_rows, 4), "intervals": found.intervals,
        "numbers": done.bag.coefficients.size, "fit_cpu_seconds": round(fitted, 2),
        "titles": TITLES, "predict_cpu_seconds": round(answered, 2),
    })  # fmt: skip


def _answers(logits: np.ndarray) -> np.ndarray:
    from titlekit.core.inference.scoring import softmax

    return softmax(logits)


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--test", default="")
    given = parser.parse_args()
    logging.getLogger("titlekit").setLevel(logging.ERROR)
    data = read_training(TrainConfig(train=[given.data], valid="0"))
    record = Record("baseline", about("python benchmarks/baseline.py DATA --test FILE", data))
    choose(record, given.data)
    if given.test and not record.has(kind="test", data=Path(given.test).name):
        report(record, given.data, given.test)


if __name__ == "__main__":
    main()
