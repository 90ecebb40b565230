"""Several runs seen together: the spread of their metrics, and their answers as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.dataset import Dataset
from ..inference.answers import Answers
from ..inference.stream import answer_cells, csv_writer, whole
from .evaluation import Evaluation, measure

_NO_METRICS = ("rows", "blank_rows")


def figures(results: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the single numbers among the results of one evaluation; None is undefined."""
    return {
        name: value
        for name, value in results.items()
        if (value is None or isinstance(value, int | float))
        and not isinstance(value, bool)
        and name not in (*_NO_METRICS, "positive")
    }


def spread(runs: Sequence[Mapping[str, float | None]]) -> dict[str, dict[str, Any]]:
    """Return by metric the mean and the standard deviation (n - 1) over runs, and their number.

    Runs in which a metric is undefined are left out; one run has no deviation.
    """
    found = {}
    for name in runs[0] if runs else ():
        values = np.array([run[name] for run in runs if run.get(name) is not None], np.float64)
        found[name] = {
            "mean": float(values.mean()) if len(values) else None,
            "std": float(values.std(ddof=1)) if len(values) > 1 else None,
            "runs": len(values),
        }
    return found


def evaluate_mean(
    dataset: Dataset, probabilities: np.ndarray, labels: list[str], positive: str | None
) -> Evaluation:
    """Measure averaged probabilities [N, C] of a dataset's rows; the likeliest label is said."""
    predicted: np.ndarray = probabilities.argmax(axis=1)
    scores = probabilities[np.arange(len(predicted)), predicted]
    answers = Answers([labels[number] for number in predicted], scores, probabilities, predicted)
    return measure(dataset, answers, labels, positive)


def write_out_of_fold(path: Path, evaluation: Evaluation, folds: np.ndarray) -> None:
    """Write the answers as csv in the order of the input, blank rows at their places, unanswered.

    `folds` [N] is the fold of each row with a text.
    """
    data, labels = evaluation.dataset, evaluation.labels
    pair = [] if data.pairs is None else ["text_pair"]
    shown = [f"p_{name}" for name in labels]
    blank = 0
    with whole(path) as target:
        write = csv_writer(target)
        write(["line", "text", *pair, "label", "fold", "predicted_label", "score", *shown])
        for row in range(len(data) + 1):
            while blank < len(data.blank_lines) and data.blank_places[blank] == row:
                number = int(data.blank_labels[blank])
                label = labels[number] if number >= 0 else ""
                empty = [""] * (3 + len(labels))
                write([str(data.blank_lines[blank]), "", *([""] * len(pair)), label, *empty])
                blank += 1
            if row < len(data):
                second = [] if data.pairs is None else [data.pairs[row]]
                cells = answer_cells(evaluation.answers, row, proba=True)
                label = labels[data.labels[row]]
                place = [str(data.lines[row]), data.texts[row], *second, label, str(folds[row])]
                write([*place, *cells])
