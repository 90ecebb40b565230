"""A finding: what is wrong with which rows, how bad it is, and what helps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .corpus import Corpus

LEVELS = ("error", "warning", "note")
SHOWN = 5  # examples of a finding


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is so with some rows.

    An error stops a training or makes a test's numbers untrue; a warning changes what is learnt or
    measured; a note is to be known.
    """

    level: str
    kind: str
    split: str  # of the rows; "" where it is about no one split
    text: str
    help: str = ""
    rows: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # all of them
    examples: list[str] = dataclasses.field(default_factory=list)  # the first ones, for a person

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return dataclasses.asdict(self)


def of_rows(
    corpus: Corpus,
    numbers: np.ndarray | Sequence[int],
    shown: Callable[[int], str] | None = None,
) -> dict[str, Any]:
    """Return the fields `rows` and `examples` of a finding about the rows of these numbers."""
    chosen = [int(number) for number in numbers]
    return {
        "rows": [corpus.place(number) for number in chosen],
        "examples": [(shown or corpus.shown)(number) for number in chosen[:SHOWN]],
    }


def of_pairs(
    corpus: Corpus, numbers: np.ndarray, others: np.ndarray, similarities: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `rows` and `examples` of rows that each resemble another, its place beside them."""
    rows: list[dict[str, Any]] = []
    examples: list[str] = []
    alike = np.ones(len(numbers)) if similarities is None else similarities
    for number, other, similarity in zip(
        numbers.tolist(), others.tolist(), alike.tolist(), strict=True
    ):
        row = {**corpus.place(number), "other": corpus.place(other)}
        if similarities is not None:
            row["similarity"] = round(similarity, 4)
        rows.append(row)
        if len(examples) < SHOWN:
            share = "" if similarities is None else f" ({100 * similarity:.0f} %)"
            examples.append(f"{corpus.shown(number)}, as {corpus.spot(other)}{share}")
    return {"rows": rows, "examples": examples}


def counted(count: int, one: str, many: str = "") -> str:
    """Return ``1 row`` or ``1,204 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """Return a share as a person reads it: ``2.5 %``, ``below 0.1 %`` where it rounds to none."""
    return "below 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"
