"""Which rows form which batch: pure functions of (seed, epoch, token lengths)."""

from __future__ import annotations

import zlib

import numpy as np

WINDOW = 64  # batches that are sorted by length together


def stream(seed: int, name: str, epoch: int) -> np.random.Generator:
    """Return the random stream of (seed, name, epoch), the same on every platform."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode()), epoch]))


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Return optimizer steps an epoch; it depends on the number of rows alone."""
    return -(-rows // batch_size)


def random_batches(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut an epoch's row order, already random, into batches: lengths mix as they come."""
    return [order[at : at + batch_size] for at in range(0, len(order), batch_size)]


def similar_batches(
    order: np.ndarray, lengths: np.ndarray, batch_size: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Cut an epoch's row order into batches of similar length, the batches shuffled.

    `order` [M]: row numbers, already random. `lengths` [N]: tokens of every row. Rows are sorted
    within windows of 64 batches, so that a padded batch holds few absent tokens; shuffling whole
    batches over the epoch keeps short and long ones mixed in time.
    """
    batches: list[np.ndarray] = []
    size = WINDOW * batch_size
    for start in range(0, len(order), size):
        window = order[start : start + size]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches.extend(window[at : at + batch_size] for at in range(0, len(window), batch_size))
    return [batches[place] for place in rng.permutation(len(batches))]


def scoring_batches(lengths: np.ndarray, budget: int = 4096, most: int = 256) -> list[np.ndarray]:
    """Cut rows, sorted by length, into batches of at most `budget` padded tokens."""
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        end = start + 1
        while (
            end < len(order)
            and end - start < most
            and int(lengths[order[end]]) * (end - start + 1) <= budget
        ):
            end += 1
        batches.append(order[start:end])
        start = end
    return batches


def evaluation_steps(total: int, per_epoch: int, every: float) -> set[int]:
    """Return the steps after which something is due every `every` epochs, the last one included."""
    if every * per_epoch <= 1:
        return set(range(1, total + 1))
    marks = {total}
    count = 1
    while (step := round(count * every * per_epoch)) < total:
        marks.add(step)
        count += 1
    return marks
