"""Kinds of wrong rows: trained on as classes, answered as correct or wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import DataError
from .dataset import Dataset, make_dataset
from .dataset import Rows as _Rows
from .labels import FOLDER_LABELS, listed, positive_names

Groups = Mapping[str, tuple[str, ...]]  # answer -> the labels whose probabilities it sums


def group_kinds(labels: Sequence[str], name: str, column: str) -> dict[str, tuple[str, ...]]:
    """Return what wrong and correct sum up; DataError unless one kind is named correct.

    A usual positive name (correct, yes, 1, ...) is the correct one; all others are kinds of wrong.
    """
    correct = positive_names(labels)
    if len(correct) != 1:
        found = f"{listed(correct)} are" if correct else "none is"
        where = f"column {column!r}: " if column else ""
        raise DataError(
            f"{name}: {where}--labels expects kinds of wrong texts and one named correct, {found} "
            f"(kinds: {listed(labels)})"
        )
    wrong = tuple(label for label in labels if label not in correct)
    return dict(zip(FOLDER_LABELS, (wrong, tuple(correct)), strict=True))


def answered(data: Dataset, labels: Sequence[str], groups: Groups) -> Dataset:
    """Return rows whose classes are kinds as rows whose classes are answers, in their order."""
    places = {kind: place for place, kinds in enumerate(groups.values()) for kind in kinds}
    numbers = np.array([places[label] for label in labels], np.int64)
    blank = np.where(data.blank_labels < 0, -1, numbers[data.blank_labels])
    rows = _Rows(texts=data.texts, lines=data.lines, pairs=data.pairs or [])
    made = make_dataset(data.name, rows, numbers[data.labels], blank, list(groups))
    return dataclasses.replace(
        data, labels=made.labels, blank_labels=made.blank_labels, sha256=made.sha256, targets=None
    )
