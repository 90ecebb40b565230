"""Numbers in a training row's columns: its class probabilities p_LABEL, and its weight."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import DataError
from .columns import is_blank, row_cell
from .encoding import clip
from .labels import listed, natural_order
from .rows import Row

PREFIX = "p_"  # and a label: the column of its probability, as predict --proba names it
ANSWERS = ("predicted_label", "score")  # what predict appends besides
TOLERANCE = 1e-3  # how far from 1 the probabilities of a row may sum
_SMALLEST, _LARGEST = 1e-30, 1e30  # of a weight: float32 sums of losses stay finite


def is_answer(column: str) -> bool:
    """Return whether a column is one that ``predict --proba`` appends."""
    return column in ANSWERS or column.startswith(PREFIX)


def soft_labels(columns: Sequence[str], name: str) -> list[str]:
    """Return the labels of the columns p_LABEL of table `name`, in natural order.

    Raises DataError where there are not two.
    """
    found = [column.removeprefix(PREFIX) for column in columns if column.startswith(PREFIX)]
    labels = natural_order(filter(None, found))
    if len(labels) < 2:
        raise DataError(
            f"{name}: --soft-targets: expected the probability of each class in a column p_LABEL, "
            f"as titlekit predict --proba writes them (columns: {listed(columns)})"
        )
    return labels


def probabilities(row: Row, labels: Sequence[str], name: str) -> list[float]:
    """Return the probabilities of a row, in label order, scaled to sum to 1.

    Raises DataError with file, line and column.
    """
    cells = [row_cell(row, PREFIX + label, name) for label in labels]
    if all(is_blank(cell) for cell in cells):
        raise DataError(
            f"{name}:{row.line}: a text without probabilities: the columns "
            f"{_named(labels)} are empty; fill them in, or leave the row out"
        )
    values = [_number(cell) for cell in cells]
    for label, cell, value in zip(labels, cells, values, strict=True):
        if not 0 <= value <= 1:
            raise DataError(
                f"{name}:{row.line}: column {PREFIX + label!r}: expected a probability from 0 to "
                f"1, got {clip(cell)}"
            )
    total = math.fsum(values)
    if abs(total - 1) > TOLERANCE:
        raise DataError(
            f"{name}:{row.line}: the probabilities in the columns {_named(labels)} sum to "
            f"{total:.6g}; expected 1"
        )
    return [value / total for value in values]


def weight(row: Row, column: str, name: str) -> float:
    """Return what a row weighs; DataError with file, line and column where it is no weight."""
    cell = row_cell(row, column, name)
    value = _number(cell)
    if not 0 <= value < math.inf:
        raise DataError(
            f"{name}:{row.line}: column {column!r}: expected a weight of at least 0, got "
            f"{clip(cell)}"
        )
    if value and not _SMALLEST <= value <= _LARGEST:
        raise DataError(
            f"{name}:{row.line}: column {column!r}: expected a weight of 0 or from {_SMALLEST:g} "
            f"to {_LARGEST:g}, got {clip(cell)}"
        )
    return value


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _named(labels: Sequence[str]) -> str:
    return listed([PREFIX + label for label in labels])
