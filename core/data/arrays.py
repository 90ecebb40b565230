"""Rows that a program hands over: texts in any sequence, classes of any kind, weights."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..config import TrainConfig
from ..errors import DataError, nearest
from .checks import check_weights, log_counts, warn_of_two_labels
from .columns import is_blank
from .dataset import Dataset, Rows, keys, make_dataset, select, to_score
from .encoding import clip
from .labels import listed, positive_label
from .load import TrainingData
from .splits import split_rows

log = logging.getLogger("titlekit")

NAME = "(rows in memory)"  # no file could be named so by mistake


def as_texts(values: Any, name: str = "X") -> list[str]:
    """Return texts from a list, an array, a Series or one column; what is missing is "".

    Missing are None, NaN and pandas' NA. Raises DataError for anything else that is no text,
    with its place.
    """
    if isinstance(values, str | bytes):
        raise DataError(f"{name}: expected a sequence of texts, got one text; write [text]")
    if not hasattr(values, "__len__") and hasattr(values, "__iter__"):
        values = list(values)
    array = np.asarray(values, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        got = f"an array of shape {array.shape}" if array.ndim else type(values).__name__
        raise DataError(f"{name}: expected one column of texts, got {got}")
    return [_text(item, f"{name}[{place}]") for place, item in enumerate(array)]


def as_classes(values: Any, name: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct labels in numpy's order, their dtype kept, and each row's class [N].

    Raises DataError for a missing label, for quantities, and for more than one label a row.
    """
    from sklearn.utils.multiclass import check_classification_targets

    labels = _labels(values, name)
    kinds = sorted({type(label).__name__ for label in labels.tolist()})
    try:
        classes, numbers = np.unique(labels, return_inverse=True)
        check_classification_targets(labels)
    except TypeError:
        raise DataError(f"{name}: expected labels of one kind, got {' and '.join(kinds)}") from None
    except ValueError as error:
        raise DataError(f"{name}: {' '.join(str(error).split())}") from error
    return classes, numbers.astype(np.int64)


def known_classes(values: Any, classes: np.ndarray, name: str) -> np.ndarray:
    """Return the class number of each label [N]; DataError names the place of an unknown one."""
    labels = _labels(values, name)
    numbers = {label: number for number, label in enumerate(classes.tolist())}
    found = [numbers.get(label, -1) for label in labels.tolist()]
    if -1 in found:
        place, names = found.index(-1), class_names(classes)
        word = str(labels[place])
        raise DataError(
            f"{name}[{place}]: unknown label {clip(word)}{nearest(word, names)} "
            f"(labels: {listed(names)})"
        )
    return np.array(found, np.int64)


def class_names(classes: np.ndarray) -> list[str]:
    """Return the classes as the names that a model's config.json holds."""
    names = [str(label) for label in classes.tolist()]
    for place, name in enumerate(names):
        if name in names[:place] or not name.strip():
            what = "two labels are" if name.strip() else "a label is"
            raise DataError(f"y: {what} written {name!r}; each needs a name of its own")
    return names


def as_weights(values: Any, rows: int) -> np.ndarray | None:
    """Return one weight of at least 0 a row [N] float64, or None where none are given."""
    if values is None:
        return None
    try:
        weights = np.asarray(values, np.float64)
    except (ValueError, TypeError):
        raise DataError("sample_weight: expected one number a row") from None
    if weights.ndim == 0:
        weights = np.full(rows, float(weights))
    if weights.shape != (rows,):
        raise DataError(
            f"sample_weight: expected {rows} numbers, one a row, got the shape {weights.shape}"
        )
    if rows and not weights.any():
        raise DataError("sample_weight: every weight is zero")
    faults = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(faults):
        raise DataError(
            f"sample_weight[{faults[0]}]: expected a number of at least 0, got {weights[faults[0]]}"
        )
    return weights


def make_rows(
    texts: Sequence[str],
    classes: np.ndarray,
    names: Sequence[str],
    weights: np.ndarray | None = None,
    said: str = "X",
    blank: str = "skip",
) -> Dataset:
    """Return rows with a text as a Dataset; those that weigh 0 are left out, as if not given."""
    if len(texts) != len(classes):
        raise DataError(
            f"{said}: {len(texts)} texts and {len(classes)} labels; expected one label a text"
        )
    rows, kept, blanks = Rows(), [], []
    for place, text in enumerate(texts):
        if weights is not None and weights[place] == 0:
            continue
        if is_blank(text):
            if blank == "error":
                raise DataError(f"{said}[{place}]: blank text (--blank skip leaves it out)")
            rows.blank_lines.append(place)
            blanks.append(classes[place])
            continue
        rows.texts.append(text)
        rows.lines.append(place)
        kept.append(classes[place])
        if weights is not None:
            rows.weights.append(float(weights[place]))
    if not rows.texts:
        more = "" if weights is None else " and a weight above 0"
        raise DataError(f"{said}: no row with a text{more}")
    if blanks:
        word = "text" if len(blanks) == 1 else "texts"
        log.info("%s: %d blank %s skipped", said, len(blanks), word)
    return make_dataset(
        NAME, rows, np.array(kept, np.int64), np.array(blanks, np.int64), list(names)
    )


def training_data(
    whole: Dataset, valid: Dataset | None, names: list[str], config: TrainConfig
) -> TrainingData:
    """Check rows and split some off to validate on, unless `valid` holds them already.

    The split is that of a file's rows: stratified, equal texts on one side.
    """
    share = config.valid_share
    counts = np.bincount(whole.labels, minlength=len(names))
    _check(whole, counts, names)
    known = keys(whole)
    warn_of_two_labels(whole, known, names)
    if valid is None and share:
        numbers, others = split_rows(known, whole.labels, share, config.split_seed)
        if len(others) == 0:
            raise DataError(
                "X: each class has one distinct text, so none is left to validate on; --valid 0 "
                "goes without"
            )
        valid = select(to_score(whole), others, names)
        whole = select(whole, numbers, names, blanks=True)
    check_weights(whole, "")
    log_counts(whole, valid, names)
    positive = positive_label(names, config.positive)
    return TrainingData(whole, valid, names, positive, [], "", "")


def _check(whole: Dataset, counts: np.ndarray, names: Sequence[str]) -> None:
    if len(names) == 1:
        raise DataError(
            f"y: one class only, all {len(whole)} rows are {clip(names[0])}; expected two or more "
            "classes"
        )
    if not counts.all():
        missing = names[int(np.argmin(counts))]
        raise DataError(
            f"y: class {clip(missing)} has no row with a text and a weight above 0; expected "
            "one or more of each class"
        )


def _text(item: Any, place: str) -> str:
    if isinstance(item, str):
        return str(item)
    if _is_missing(item):
        return ""
    hint = "; decode it" if isinstance(item, bytes) else ""
    raise DataError(f"{place}: expected a text, got {clip(repr(item))}{hint}")


def _is_missing(item: Any) -> bool:
    # By name: pandas is not needed here, and its NA refuses to be compared.
    if item is None or type(item).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(item, float) and item != item


def _labels(values: Any, name: str) -> np.ndarray:
    """Return labels as one column [N], refusing what is missing."""
    from sklearn.utils.validation import column_or_1d

    if values is None:
        raise DataError(f"TitleClassifier requires y to be passed, but the target {name} is None")
    try:
        labels: np.ndarray = column_or_1d(np.asarray(values), warn=True)
    except ValueError as error:
        raise DataError(f"{name}: {error}") from error
    if labels.dtype.kind in "fO":
        for place, item in enumerate(labels.tolist()):
            if _is_missing(item):
                raise DataError(f"{name}[{place}]: no label")
    return labels
