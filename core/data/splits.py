"""Which rows validate: stratified, equal texts on one side, the same on every platform."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from ..errors import UsageError
from .plans import stream


def normalise(text: str) -> str:
    """Return what is left of a text without case, punctuation, spaces and signs.

    Compatibility forms are unified (NFKC); letters, marks and digits of every script stay.
    """
    text = unicodedata.normalize("NFKC", text).casefold().translate(_KEPT)
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def split_rows(
    texts: Sequence[str], labels: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers to train on and to validate on, both ascending, int64.

    `labels` [N] int64. Rows whose texts normalise to the same stay together; texts that
    normalise to nothing stand alone. Each class gives `share` of its rows, as near as its groups
    allow; a class with two distinct texts or more is on both sides, one with a single text is
    trained on. A text that bears several labels counts where it stands most often.
    """
    group_of = blocks(texts)
    sizes = np.bincount(group_of)
    classes = _majority(group_of, labels, len(sizes))
    # Raw draws are the one part of numpy's streams that is promised to stay as it is.
    draws = stream(seed, "split", 0).bit_generator.random_raw(len(sizes))
    order = np.argsort(draws, kind="stable")
    chosen = np.zeros(len(sizes), bool)
    for label in np.unique(classes):
        members = order[classes[order] == label]
        chosen[_choose(members, sizes, share)] = True
    _keep_in_training(chosen, group_of, labels)
    valid = chosen[group_of]
    return np.flatnonzero(~valid), np.flatnonzero(valid)


def limit_rows(labels: np.ndarray, rows: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """Return at most `limit` of the row numbers `rows`, drawn by class, in their order.

    Each class keeps its share and at least one row. Raises UsageError where `limit` is smaller
    than the number of classes.
    """
    if len(rows) <= limit:
        return rows
    classes, counts = np.unique(labels[rows], return_counts=True)
    if limit < len(classes):
        raise UsageError(f"--limit {limit}: expected a row for each of the {len(classes)} classes")
    exact = counts * (limit / len(rows))
    quotas = np.maximum(1, np.floor(exact)).astype(np.int64)
    # The largest remainders fill up; what the rare classes' first rows cost, the largest give.
    while quotas.sum() < limit:
        quotas[np.argmax(exact - quotas)] += 1
    while quotas.sum() > limit:
        quotas[np.argmax(np.where(quotas > 1, quotas - exact, -np.inf))] -= 1
    draws = stream(seed, "limit", 0).bit_generator.random_raw(len(rows))
    order = rows[np.argsort(draws, kind="stable")]
    kept = [
        order[labels[order] == label][:quota] for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(kept))


def blocks(texts: Sequence[str], groups: Sequence[str] | None = None) -> np.ndarray:
    """Return the block of each row, [N] int64 from 0: rows of one block stay together.

    Rows whose texts normalise to the same are of one block, and so are rows of one group, and
    what hangs together by both; a text that normalises to nothing and a blank group join nothing.
    """
    numbers: dict[str, int] = {}
    block_of = np.empty(len(texts), np.int64)
    count = 0
    for row, text in enumerate(texts):
        key = normalise(text)
        block = numbers.setdefault(key, count) if key else count
        block_of[row] = block
        count += block == count
    return block_of if groups is None else _joined(block_of, groups)


def _joined(block_of: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Return blocks [N] joined where they share a group: connected components."""
    above = list(range(int(block_of.max(initial=-1)) + 1))

    def top(block: int) -> int:
        while above[block] != block:
            above[block] = above[above[block]]
            block = above[block]
        return block

    first: dict[str, int] = {}
    for block, group in zip(block_of.tolist(), groups, strict=True):
        if group:
            one, other = top(first.setdefault(group, block)), top(block)
            above[max(one, other)] = min(one, other)
    tops = np.array([top(block) for block in range(len(above))], np.int64)
    joined: np.ndarray = np.unique(tops, return_inverse=True)[1][block_of]
    return joined


class _Kept(dict[int, int | None]):
    """The characters that normalise() keeps, learnt as they are met."""

    def __missing__(self, code: int) -> int | None:
        kept = unicodedata.category(chr(code))[0] in "LMN"
        self[code] = code if kept else None
        return self[code]


_KEPT = _Kept()


def _majority(group_of: np.ndarray, labels: np.ndarray, groups: int) -> np.ndarray:
    """Return each group's most frequent class, the lower one of a tie."""
    width = int(labels.max(initial=0)) + 1
    pairs, counts = np.unique(group_of * width + labels, return_counts=True)
    order = np.lexsort((pairs, -counts, pairs // width))
    owners = pairs[order] // width
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    return np.asarray(pairs[order][first] % width)


def _choose(members: np.ndarray, sizes: np.ndarray, share: float) -> list[int]:
    """Return groups that hold about `share` of the rows, some and not all of the groups."""
    if share <= 0 or len(members) < 2:
        return []
    target = share * int(sizes[members].sum())
    taken: list[int] = []
    rows = 0
    for group, size in zip(members.tolist(), sizes[members].tolist(), strict=True):
        if rows + size <= target + 0.5:
            taken.append(group)
            rows += size
    if not taken:
        taken = [int(members[np.argmin(sizes[members])])]
    if len(taken) == len(members):
        taken.remove(taken[int(np.argmin(sizes[taken]))])
    return taken


def _keep_in_training(chosen: np.ndarray, group_of: np.ndarray, labels: np.ndarray) -> None:
    """Give back the groups of a class that only stands beside other labels, were it lost."""
    trained = np.unique(labels[~chosen[group_of]])
    for label in np.setdiff1d(labels, trained):
        chosen[group_of[labels == label]] = False
