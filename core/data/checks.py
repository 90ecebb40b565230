"""What training data must have, and what is said about it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from ..errors import DataError
from .dataset import Dataset
from .encoding import clip
from .labels import listed

log = logging.getLogger("titlekit")

MOST_CLASSES = 1000
SHOWN_CLASSES = 10


def check_classes(data: Dataset, labels: Sequence[str], column: str) -> None:
    """Refuse rows that no classifier can learn from: none, one class, a class a row.

    `column` is the label's, "" where there is no table.
    """
    counts = np.bincount(data.labels, minlength=len(labels))
    blanks = f" ({len(data.blank_lines)} are blank)" if data.blank_lines else ""
    if len(data) == 0:
        raise DataError(f"{data.name}: no rows with a text{blanks}")
    if len(labels) > MOST_CLASSES or len(labels) == len(data) > 2:
        raise DataError(
            f"{data.name}: column {column!r} has {len(labels)} labels in {len(data)} rows; is it "
            "the label? --label-column names another"
        )
    if len(labels) == 1:
        raise DataError(
            f"{data.name}: one class only, all {len(data)} rows are {clip(labels[0])}; expected "
            "two or more"
        )
    few = int(np.argmin(counts))
    if counts[few] < 2:
        rows = "1 row" if counts[few] == 1 else "no row"
        raise DataError(
            f"{data.name}: class {clip(labels[few])} has {rows} with a text{blanks}; expected 2 "
            "or more of each class"
        )


def check_soft_classes(data: Dataset, labels: Sequence[str], column: str, validates: bool) -> None:
    """Refuse soft targets that nothing can be learnt from; say where the labels come from.

    `column` is the label's, "" where the likeliest class is a row's label. A class may be the
    label of no row: it is learnt from its probabilities. All rows may be of one class unless some
    of them are to validate on (`validates`).
    """
    blanks = f" ({len(data.blank_lines)} are blank)" if data.blank_lines else ""
    if len(data) == 0:
        raise DataError(f"{data.name}: no rows with a text{blanks}")
    if len(labels) > MOST_CLASSES:
        raise DataError(
            f"{data.name}: {len(labels)} columns p_LABEL; expected {MOST_CLASSES} or fewer"
        )
    if not column:
        log.info(
            "%s: no label column, so a row's label is its likeliest class: validation measures how "
            "well those are met",
            data.name,
        )
    if validates and len(np.unique(data.labels)) == 1:
        raise DataError(
            f"{data.name}: all {len(data)} rows are {clip(labels[int(data.labels[0])])} by "
            f"{f'column {column!r}' if column else 'their likeliest class'}, so none of them could "
            "validate; --valid FILE names other rows, --valid 0 goes without"
        )


def check_weights(data: Dataset, column: str) -> None:
    """Refuse training rows that all weigh nothing; say how the weights are spread.

    `column` is the weights', "" where they come from none.
    """
    if data.weights is None:
        return
    if not data.weights.any():
        where = f": column {column!r}" if column else ""
        raise DataError(
            f"{data.name}{where}: all {len(data)} training rows weigh 0; expected some above 0"
        )
    nothing = int(np.count_nonzero(data.weights == 0))
    log.info(
        "%s: weights from %g to %g, on average %g; %d %s nothing",
        data.name,
        data.weights.min(),
        data.weights.max(),
        data.weights.mean(),
        nothing,
        "row weighs" if nothing == 1 else "rows weigh",
    )


def warn_of_two_labels(data: Dataset, keys: Sequence[str], labels: Sequence[str]) -> None:
    """Say how many texts bear more than one label; texts of the same key count as one."""
    first: dict[str, int] = {}
    several: dict[str, tuple[int, int]] = {}
    for row, key in enumerate(keys):
        if key.strip():
            earlier = first.setdefault(key, row)
            if data.labels[earlier] != data.labels[row]:
                several.setdefault(key, (earlier, row))
    if several:
        earlier, row = next(iter(several.values()))
        texts = "text bears" if len(several) == 1 else "texts bear"
        log.warning(
            "%s: %d %s more than one label, e.g. %s: %s",
            data.name,
            len(several),
            texts,
            clip(data.texts[row]),
            listed([labels[data.labels[earlier]], labels[data.labels[row]]]),
        )


def log_counts(train: Dataset, valid: Dataset | None, labels: Sequence[str]) -> None:
    """Say how many rows and classes there are, the most frequent classes with their counts."""
    counts = np.bincount(train.labels, minlength=len(labels))
    order = np.argsort(-counts, kind="stable")[:SHOWN_CLASSES]
    shown = [f"{labels[index]} {counts[index]}" for index in sorted(order)]
    more = f", … ({len(labels)} classes)" if len(labels) > SHOWN_CLASSES else ""
    validated = "none" if valid is None else str(len(valid))
    log.info(
        "%s: %d rows to train on (%s%s), %s to validate on",
        train.name,
        len(train),
        listed(shown),
        more,
        validated,
    )
