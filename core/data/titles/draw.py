"""Chance that is the same on every machine, and the word lists that it draws from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def words(text: str) -> tuple[str, ...]:
    """Return the entries of a list that is written with bars between, over several lines."""
    return tuple(" ".join(entry.split()) for entry in text.split("|"))


def below(rng: random.Random, limit: int) -> int:
    """Return a whole number from 0 to `limit` - 1."""
    # random() is the one method whose sequence Python promises never to change.
    return int(rng.random() * limit)


def happens(rng: random.Random, percent: int) -> bool:
    """Return True in `percent` of 100 calls."""
    return below(rng, 100) < percent


def pick(entries: Sequence[T], rng: random.Random) -> T:
    """Return one of the entries, each as likely as the others."""
    return entries[below(rng, len(entries))]


def shuffle(entries: list[T], rng: random.Random) -> None:
    """Put the entries into a random order, in place (Fisher and Yates)."""
    for last in range(len(entries) - 1, 0, -1):
        other = below(rng, last + 1)
        entries[last], entries[other] = entries[other], entries[last]
