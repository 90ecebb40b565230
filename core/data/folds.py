"""Rows dealt out in parts: folds, and a validation split by groups; the same on every platform."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .encoding import clip
from .plans import stream
from .splits import blocks

log = logging.getLogger("titlekit")

_TRIES = 20  # orders that are tried before a class is said to stand too close together


def fold_rows(
    keys: Sequence[str],
    labels: np.ndarray,
    groups: Sequence[str] | None,
    folds: int,
    seed: int,
    names: Sequence[str] = (),
) -> np.ndarray:
    """Return the fold of each row, [N] int64 from 0 to folds - 1.

    `labels` [N] int64. Rows whose keys normalise to the same, and rows of one group ("": of
    none), are in one fold; each fold gets its share of every class, as near as that allows, and
    every class stands in two folds or more, so that no model is trained without it. `names` are
    the classes' in messages. Raises DataError where that cannot be.
    """
    together = _Blocks.of(blocks(keys, groups), labels)
    what = "texts" if groups is None else "groups"
    if len(together.sizes) < folds:
        raise DataError(
            f"--folds {folds}: the rows are of {len(together.sizes)} {what} that must stay in one "
            f"fold each; expected {folds} or more"
        )
    for attempt in range(_TRIES):
        draws = stream(seed, "folds", attempt).bit_generator.random_raw(len(together.sizes))
        placed = together.deal([1 / folds] * folds, [1] * folds, draws)
        rows: np.ndarray = placed[together.of_row]
        single = _in_one_fold(rows, labels)
        if not single:
            _warn_of_absent(rows, labels, folds, names)
            return rows
    name = clip(names[single[0]]) if names else str(single[0])
    raise DataError(
        f"--folds {folds}: all rows of class {name} fall into one fold, so that fold's model would "
        f"be trained without it; it needs rows in two {what} or more that can be told apart"
    )


def split_groups(
    texts: Sequence[str], labels: np.ndarray, groups: Sequence[str], share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers to train on and to validate on, both ascending, int64.

    As ``split_rows``, but rows of one group ("": of none) stay on one side too. A group may hold
    several classes: each class gives `share` of its rows as near as whole groups allow, stands in
    training, and where it can on both sides.
    """
    together = _Blocks.of(blocks(texts, groups), labels)
    if share <= 0 or not len(labels):
        return np.arange(len(labels)), np.arange(0)
    draws = stream(seed, "split", 0).bit_generator.random_raw(len(together.sizes))
    # A class that would only be validated on is worse than any number that are only trained on.
    placed = together.deal([1 - share, share], [1, together.classes + 1], draws)
    if not placed.any() and (spare := together.spare()):
        placed[min(spare, key=lambda block: int(together.sizes[block]))] = 1
    valid = placed[together.of_row] == 1
    return np.flatnonzero(~valid), np.flatnonzero(valid)


@dataclass(frozen=True)
class _Blocks:
    """Rows that stay together: how many rows of which class each block holds."""

    of_row: np.ndarray  # [N] block of each row
    sizes: np.ndarray  # [B] rows of each block
    parts: list[list[tuple[int, int]]]  # for each block: (class, rows)
    rows: list[int]  # of each class
    blocks: list[int]  # that hold each class

    @classmethod
    def of(cls, of_row: np.ndarray, labels: np.ndarray) -> _Blocks:
        """Count the classes of each block."""
        width = int(labels.max(initial=0)) + 1
        pairs, counts = np.unique(of_row * width + labels, return_counts=True)
        owners, classes = np.divmod(pairs, width)
        sizes = np.bincount(of_row)
        parts: list[list[tuple[int, int]]] = [[] for _ in sizes]
        for owner, label, count in zip(
            owners.tolist(), classes.tolist(), counts.tolist(), strict=True
        ):
            parts[owner].append((label, count))
        rows = np.bincount(labels, minlength=width).tolist()
        return cls(of_row, sizes, parts, rows, np.bincount(classes, minlength=width).tolist())

    @property
    def classes(self) -> int:
        """How many classes there may be."""
        return len(self.rows)

    def spare(self) -> list[int]:
        """Return the blocks without which every class still has one."""
        every = enumerate(self.parts)
        return [block for block, parts in every if all(self.blocks[c] > 1 for c, _ in parts)]

    def deal(self, shares: Sequence[float], alone: Sequence[int], draws: np.ndarray) -> np.ndarray:
        """Return the place of each block, [B] int64: place f gets about shares[f] of each class.

        Larger blocks come first, in the order of `draws` [B] where they are about as large. Each
        goes where sum_c (rows of c, with it)^2 / (share * rows of c in all^2) grows least, which
        is the least sum of squared deviations from the shares. alone[f] is what it costs that a
        class stands in place f only; it decides where a class's last block goes.
        """
        order = np.lexsort((draws, -np.frexp(self.sizes)[1]))
        places = range(len(shares))
        held = [[0] * self.classes for _ in places]
        totals = [0.0 for _ in places]
        left = list(self.blocks)
        scale = [1.0 / max(1, rows) ** 2 for rows in self.rows]
        placed = np.empty(len(self.sizes), np.int64)
        for block in order.tolist():
            parts = self.parts[block]
            last = [label for label, _ in parts if left[label] == 1]
            best, least = 0, (float("inf"), 0.0, 0.0)
            for place in places:
                have, share = held[place], shares[place]
                grown = sum([(2 * have[c] + n) * n * scale[c] for c, n in parts]) / share
                cost = (_alone(held, place, last) * alone[place] if last else 0, grown)
                if (*cost, totals[place]) < least:
                    best, least = place, (*cost, totals[place])
            placed[block] = best
            for label, count in parts:
                held[best][label] += count
                left[label] -= 1
                totals[best] += count / shares[best]
        return placed


def _alone(held: Sequence[Sequence[int]], place: int, labels: Sequence[int]) -> int:
    """Return how many of the classes stand in no other place."""
    others = [have for other, have in enumerate(held) if other != place]
    return sum(not any(have[label] for have in others) for label in labels)


def _in_one_fold(folds: np.ndarray, labels: np.ndarray) -> list[int]:
    """Return the classes that stand in one fold only."""
    return [c for c in np.unique(labels).tolist() if len(np.unique(folds[labels == c])) == 1]


def _warn_of_absent(
    folds: np.ndarray, labels: np.ndarray, count: int, names: Sequence[str]
) -> None:
    """Say which class some folds have no row of."""
    for label in np.unique(labels).tolist():
        without = count - len(np.unique(folds[labels == label]))
        if without:
            name = clip(names[label]) if names else str(label)
            log.warning(
                "%d of the %d folds hold no row of class %s, which is too rare or in too few "
                "groups", without, count, name,
            )  # fmt: skip
            return
