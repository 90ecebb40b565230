"""Classes: how many rows each has, what would balance them, and whether the splits agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import DataError
from ..checks import check_classes, check_soft_classes
from ..labels import listed
from .corpus import UNKNOWN, Corpus
from .findings import Finding, counted, of_rows, percent

_RATIO = 3  # rows of the most frequent class for each of the rarest, from which it is said
_RARE = 20  # rows of a class below which little is learnt of it
_P, _SHIFT = 0.001, 0.05  # drift: chance at most, and share of the rows that moved at least


def balanced_weights(counts: np.ndarray) -> np.ndarray:
    """Return class weights [C] in inverse proportion to the counts, with mean 1 over the rows."""
    raw = 1 / np.maximum(1, counts)
    return np.asarray(raw * counts.sum() / max(1e-12, float((raw * counts).sum())))


def class_counts(corpus: Corpus, split: str) -> np.ndarray:
    """Return the rows of each class in a split, [C] int64; unknown labels are not counted."""
    classes = corpus.classes[corpus.where(split)]
    return np.bincount(classes[classes != UNKNOWN], minlength=len(corpus.labels))


def describe_classes(corpus: Corpus, split: str) -> list[dict[str, Any]]:
    """Return label, rows and share of each class, and of the training rows its weight."""
    counts = class_counts(corpus, split)
    found = [
        {"label": label, "rows": int(count), "share": float(count / max(1, counts.sum()))}
        for label, count in zip(corpus.labels, counts, strict=True)
    ]
    if split == "train":
        for row, weight in zip(found, balanced_weights(counts), strict=True):
            row["weight"] = float(weight)
    return found


def find_classes(corpus: Corpus) -> Iterator[Finding]:
    """Yield what is wrong with the labels and how the classes are spread."""
    yield from _trainable(corpus)
    yield from _unknown_labels(corpus)
    counts = class_counts(corpus, "train")
    few = [f"{corpus.labels[c]} {counts[c]}" for c in np.flatnonzero(counts < _RARE)]
    if few and not corpus.columns.soft:
        yield Finding(
            "warning", "rare-class", "train",
            f"{counted(len(few), 'class', 'classes')} of fewer than {_RARE} rows: {listed(few)}",
            "little is learnt of them, and their metrics rest on few rows; add rows or merge "
            "classes",
        )  # fmt: skip
    elif counts.max() >= _RATIO * counts.min():
        most, least = int(counts.argmax()), int(counts.argmin())
        yield Finding(
            "note", "imbalance", "train",
            f"{corpus.labels[most]} has {counts[most] / counts[least]:.1f} rows for each of "
            f"{corpus.labels[least]}",
            "--plugins weighted-ce weighs the classes as the table of classes suggests",
        )  # fmt: skip


def _trainable(corpus: Corpus) -> Iterator[Finding]:
    data = corpus.dataset("train")
    try:
        if corpus.columns.soft:
            check_soft_classes(data, corpus.labels, corpus.columns.label, False)
        else:
            check_classes(data, corpus.labels, corpus.columns.label)
    except DataError as error:
        yield Finding("error", "not-trainable", "train", str(error), "titlekit train refuses this")


def _unknown_labels(corpus: Corpus) -> Iterator[Finding]:
    for split in corpus.splits[1:]:
        rows = corpus.where(split)
        rows = rows[corpus.classes[rows] == UNKNOWN]
        if len(rows):
            names = list(dict.fromkeys(corpus.rows.labels[row] for row in rows))
            yield Finding(
                "error", "unknown-label", split,
                f"{counted(len(rows), 'row bears', 'rows bear')} a label that the training rows "
                f"lack: {listed(names)}",
                f"the labels are {listed(corpus.labels)}; evaluate refuses any other",
                **of_rows(corpus, rows),
            )  # fmt: skip


def drift(corpus: Corpus) -> list[dict[str, Any]]:
    """Return how the class shares of each other split differ from those of the training rows.

    `statistic`, `degrees` and `p` of Pearson's chi-square test of a common distribution;
    `moved` is the share of rows that would have to bear another label (total variation).
    """
    from scipy.stats import chi2_contingency

    train, found = class_counts(corpus, "train"), []
    for split in corpus.splits[1:]:
        counts = class_counts(corpus, split)
        if not counts.sum() or not train.sum():
            continue
        shares = np.abs(counts / counts.sum() - train / train.sum())
        table = np.stack([train, counts])[:, train + counts > 0]
        one = table.shape[1] == 1
        test = None if one else chi2_contingency(table, correction=False)
        found.append({
            "split": split,
            "moved": float(shares.sum() / 2),
            "statistic": 0.0 if test is None else float(test.statistic),
            "degrees": 0 if test is None else int(test.dof),
            "p": 1.0 if test is None else float(test.pvalue),
            "smallest_expected": float(table.min() if test is None else test.expected_freq.min()),
        })  # fmt: skip
    return found


def find_drift(corpus: Corpus) -> Iterator[Finding]:
    """Yield the splits whose labels are spread otherwise than the training rows'."""
    for row in drift(corpus):
        if row["p"] >= _P or row["moved"] < _SHIFT:
            continue
        split = row["split"]
        there, here = (class_counts(corpus, name) for name in ("train", split))
        shifts = here / here.sum() - there / there.sum()
        most = int(np.abs(shifts).argmax())
        yield Finding(
            "warning", "label-drift", split,
            f"the classes are spread otherwise than in the training rows: {corpus.labels[most]} is "
            f"{percent(here[most] / here.sum())} here and {percent(there[most] / there.sum())} "
            f"there (chi-square test, p = {row['p']:.1g})",
            "accuracy and a fitted threshold depend on the shares; compare f1, mcc or roc_auc, or "
            "train on the shares that will be met",
        )  # fmt: skip


def find_blanks(corpus: Corpus) -> Iterator[Finding]:
    """Yield how many rows of each split have a blank text."""
    for number, split in enumerate(corpus.splits):
        rows = np.flatnonzero(corpus.blank_split_of == number).tolist()
        if not rows:
            continue
        places = [corpus.blank_place(row) for row in rows]
        total = len(rows) + len(corpus.where(split))
        told = f"{counted(len(rows), 'row')} of {total:,} with a blank text"
        if split == "train":
            level, helps = "note", "titlekit train skips them; --blank error refuses them"
        else:
            level = "warning"
            helps = (
                "metrics are of the rows with a text; say whether yours count the blank ones, and "
                "see --blank-label"
            )
        examples = [
            f"{place['file']}:{place['line']} {corpus.rows.blank_labels[row]}".rstrip()
            for row, place in list(zip(rows, places, strict=True))[:5]
        ]
        yield Finding(level, "blank", split, told, helps, places, examples)
