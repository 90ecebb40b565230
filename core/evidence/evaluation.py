"""A classifier measured on labelled rows: metrics, intervals, and its mistakes."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..data.columns import join_names
from ..data.dataset import Dataset
from ..data.load import load_labelled
from ..data.plans import stream
from ..errors import DataError
from ..inference.answers import Answers
from ..inference.ensemble import Ensemble
from ..inference.predictor import Predictor
from ..inference.stream import WINDOW, answer_cells, csv_writer, progress_bar, whole
from ..training.metrics import evaluate_scores, f1_scores, mean_defined

_RESAMPLES = 2000
_SEED = 42
_BLOCK = 1 << 23  # counts drawn at once: bounds memory


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What a classifier answered on a dataset, and how good that is."""

    dataset: Dataset
    answers: Answers
    labels: list[str]
    positive: str | None
    blank_label: str
    metrics: dict[str, Any]  # of the rows with a text
    intervals: dict[str, dict[str, float]]  # metric -> low, high: 95 %
    accuracy_all_rows: float  # blank rows count as right where the blank label is theirs

    @property
    def rows(self) -> int:
        """Rows with a text."""
        return len(self.dataset)

    @property
    def blank_rows(self) -> int:
        """Rows without a text: outside all metrics but accuracy_all_rows."""
        return len(self.dataset.blank_lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the rows, ready for JSON: what is undefined is None."""
        found = {
            **self.metrics,
            "intervals": self.intervals,
            "blank_rows": self.blank_rows,
            "accuracy_all_rows": self.accuracy_all_rows,
            "labels": self.labels,
            "positive": self.positive,
            "data": {"name": self.dataset.name, "sha256": self.dataset.sha256},
        }
        plain: dict[str, Any] = json.loads(json.dumps(found), parse_constant=lambda _: None)
        return plain


def load_rows(
    predictor: Predictor | Ensemble,
    path: str,
    *,
    text_column: str = "",
    pair_column: str = "",
    label_column: str = "",
    encoding: str = "",
    fix_text: bool = False,
) -> Dataset:
    """Read labelled rows for a predictor: a table, or a folder with a test table.

    Columns that are not named are those of the training; a folder's have names of their own.
    Texts are mended where that is asked for, or the training rows were.
    """
    folder = os.path.isdir(path)
    return load_labelled(
        path,
        predictor.labels,
        text_column=text_column or ("" if folder else join_names(predictor.text_columns)),
        pair_column=pair_column or predictor.pair_column or "",
        label_column=label_column or ("" if folder else predictor.label_column or ""),
        encoding=encoding,
        fix_text=fix_text or predictor.fix_text,
    )


def evaluate(
    predictor: Predictor | Ensemble, dataset: Dataset, blank_label: str = ""
) -> Evaluation:
    """Answer a dataset's rows and measure the answers, the predictor's decision applied.

    `blank_label`: what blank texts are answered with ("": nothing, which is never right).
    """
    if not len(dataset):
        raise DataError(f"{dataset.name}: no row with a text")
    answers = _answers(predictor, dataset)
    return measure(dataset, answers, predictor.labels, predictor.positive, blank_label)


def measure(
    dataset: Dataset,
    answers: Answers,
    labels: list[str],
    positive: str | None,
    blank_label: str = "",
) -> Evaluation:
    """Measure the answers to a dataset's rows, whoever gave them."""
    metrics = evaluate_scores(
        answers.probabilities, dataset.labels, labels, positive, answers.predicted
    )
    right = int((answers.predicted == dataset.labels).sum())
    if blank_label:
        right += int((dataset.blank_labels == labels.index(blank_label)).sum())
    return Evaluation(
        dataset=dataset,
        answers=answers,
        labels=labels,
        positive=positive,
        blank_label=blank_label,
        metrics=metrics,
        intervals=bootstrap(
            np.array(metrics["confusion_matrix"]),
            None if positive is None else labels.index(positive),
        ),
        accuracy_all_rows=right / (len(dataset) + len(dataset.blank_lines)),
    )


def bootstrap(
    confusion: np.ndarray, positive: int | None, resamples: int = _RESAMPLES
) -> dict[str, dict[str, float]]:
    """Return 95 % percentile intervals of accuracy, f1 and macro_f1 over resampled rows.

    Drawing N rows with replacement is one multinomial draw over the cells of the confusion
    matrix [C, C] (rows true, columns predicted), so no row is touched. f1 needs a `positive`
    class. The draws are seeded. Efron & Tibshirani 1993, chapter 13.
    """
    true, predicted = np.nonzero(confusion)
    counts = confusion[true, predicted]
    total, classes = int(counts.sum()), np.arange(len(confusion))
    of_true = (true[:, None] == classes).astype(np.float64)  # [K, C]: cells of a class
    of_predicted = (predicted[:, None] == classes).astype(np.float64)
    of_right = of_true * of_predicted
    rng = stream(_SEED, "bootstrap", 0)
    found: dict[str, list[np.ndarray]] = {"accuracy": [], "f1": [], "macro_f1": []}
    block = max(1, _BLOCK // len(counts))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.multinomial(total, counts / total, size).astype(np.float64)  # [B, K]
        right = drawn @ of_right
        scores = f1_scores(right, drawn @ of_true, drawn @ of_predicted)
        found["accuracy"].append(right.sum(axis=1) / total)
        found["macro_f1"].append(mean_defined(scores))
        if positive is not None:
            found["f1"].append(scores[:, positive])
    return {name: _interval(np.concatenate(values)) for name, values in found.items() if values}


def write_predictions(path: Path, evaluation: Evaluation) -> None:
    """Write the answers as csv: the most confident mistakes first, then the least sure right ones.

    Blank rows stand last. `line` is the row's line in the data's file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as target:
        write = csv_writer(target)
        for row in _prediction_rows(evaluation):
            write(row)


def _prediction_rows(evaluation: Evaluation) -> Iterator[list[str]]:
    data, answers, labels = evaluation.dataset, evaluation.answers, evaluation.labels
    pair = [] if data.pairs is None else ["text_pair"]
    shown = [f"p_{name}" for name in labels]
    yield ["line", "text", *pair, "label", "predicted_label", "score", *shown]
    right = answers.predicted == data.labels
    for row in np.lexsort((np.where(right, answers.scores, -answers.scores), right)):
        second = [] if data.pairs is None else [data.pairs[row]]
        cells = answer_cells(answers, row, proba=True)
        yield [str(data.lines[row]), data.texts[row], *second, labels[data.labels[row]], *cells]
    for line, label in zip(data.blank_lines, data.blank_labels, strict=True):
        empty = [""] * (1 + len(labels))
        yield [str(line), "", *([""] * len(pair)), labels[label], evaluation.blank_label, *empty]


def _answers(predictor: Predictor | Ensemble, dataset: Dataset) -> Answers:
    """Return the answers to all rows, with a bar."""
    parts = []
    with progress_bar(len(dataset)) as bar:
        for start in range(0, len(dataset), WINDOW):
            rows = slice(start, start + WINDOW)
            pairs = None if dataset.pairs is None else dataset.pairs[rows]
            parts.append(predictor.predict(dataset.texts[rows], pairs))
            bar.update(len(parts[-1].labels))
    return Answers(
        labels=[label for part in parts for label in part.labels],
        scores=np.concatenate([part.scores for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        predicted=np.concatenate([part.predicted for part in parts]),
    )


def _interval(values: np.ndarray) -> dict[str, float]:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return {"low": float("nan"), "high": float("nan")}
    low, high = np.percentile(defined, [2.5, 97.5])
    return {"low": float(low), "high": float(high)}
