"""Rows of correct and wrong titles: any number, one at a time, the same on every machine."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..splits import normalise
from .draw import below, happens, pick, shuffle
from .faults import CORRECT, SHARES
from .grammar import make_fault, make_title

KINDS = tuple(kind for kind, _ in SHARES)  # of wrong titles
LABELS = ("correct", "wrong")

_DRAWN = tuple(kind for kind, share in SHARES for _ in range(share))
_TRIES = 20
_PROBES = 5  # of the filter
_SIGNS = 400  # of a row at most


class Made(NamedTuple):
    """One made row; the kind of a correct one is "correct"."""

    title: str
    label: str
    kind: str


def make_rows(rows: int, seed: int, good: Sequence[str] | None = None) -> Iterator[Made]:
    """Yield `rows` titles, half of them correct, in random order.

    `good`: correct titles of a person's own, no two of the same ``key``; each is a
    correct row at most once, and wrong rows are made from them. Without them a grammar makes both.
    Memory does not grow with the rows, but for two bytes each that keep texts from standing twice.
    """
    rng = random.Random(seed)
    source = _Grammar(rng) if good is None else _Own(rng, good)
    seen, kinds = _Filter(rows), _kinds(rng)
    correct = (rows + 1) // 2
    for left in range(rows, 0, -1):
        if below(rng, left) < correct:
            correct -= 1
            yield Made(source.correct(seen), LABELS[0], CORRECT)
        else:
            yield _wrong(next(kinds), source, seen, rng)


def key(text: str) -> str:
    """Return what two titles share that are equal but for case, punctuation and spaces."""
    return normalise(text) or " ".join(text.split())


class _Filter:
    """Texts that were seen: never forgotten; one in a thousand new ones is taken for an old one.

    Bloom, Space/time trade-offs in hash coding with allowable errors, 1970.
    """

    def __init__(self, texts: int) -> None:
        self.size = 8 * (2 * texts + 64)
        self.bits = bytearray(self.size // 8)

    def add(self, text: str) -> bool:
        """Return whether a text is new, and remember it."""
        digest = hashlib.blake2b(key(text).encode("utf-8", "surrogatepass")).digest()
        new = False
        for probe in range(_PROBES):
            place = int.from_bytes(digest[8 * probe : 8 * probe + 8], "big") % self.size
            byte, bit = place >> 3, 1 << (place & 7)
            new = new or not self.bits[byte] & bit
            self.bits[byte] |= bit
        return new


class _Grammar:
    """Good titles without end."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def correct(self, seen: _Filter) -> str:
        text = make_title(self.rng)
        for _ in range(_TRIES):
            if seen.add(text):
                break
            text = make_title(self.rng)
        return text

    def base(self) -> str:
        return make_title(self.rng)

    def another(self) -> str:
        return make_title(self.rng)

    def is_good(self, text: str) -> bool:
        return False


class _Own:
    """A person's own good titles, each the base of as many wrong rows as the others."""

    def __init__(self, rng: random.Random, good: Sequence[str]) -> None:
        self.rng = rng
        self.good = good
        self.known = {hash_of(title) for title in good}
        self.order = list(range(len(good)))
        shuffle(self.order, rng)
        self.given = self.used = 0

    def correct(self, seen: _Filter) -> str:
        self.given += 1
        return self.good[self.order[self.given - 1]]

    def base(self) -> str:
        self.used += 1
        return self.good[self.order[(self.used - 1) % len(self.order)]]

    def another(self) -> str:
        return pick(self.good, self.rng)

    def is_good(self, text: str) -> bool:
        return hash_of(text) in self.known


def hash_of(text: str) -> int:
    """Return 8 bytes that stand for a title, whatever its case, punctuation and spaces."""
    digest = hashlib.blake2b(key(text).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _kinds(rng: random.Random) -> Iterator[str]:
    """Yield kinds without end, each with its share in every hundred, in random order."""
    while True:
        deck = list(_DRAWN)
        shuffle(deck, rng)
        yield from deck


def _wrong(kind: str, source: _Grammar | _Own, seen: _Filter, rng: random.Random) -> Made:
    """Return a wrong row: no good title, and a new text as long as one can be found."""
    whole = source.base()
    for attempt in range(3 * _TRIES):
        text = _line(make_fault(kind, rng, whole, source.another))
        if happens(rng, 3):
            text = text.upper()
        if text and not source.is_good(text) and (seen.add(text) or attempt >= 2 * _TRIES):
            return Made(text, LABELS[1], kind)
        if attempt % 5 == 4:  # some titles have no such fault
            kind = pick(_DRAWN, rng)
    return Made(_line(f"{whole} Abstract"), LABELS[1], "abstract glued on")


def _line(text: str) -> str:
    """Return the text on one line, cut between words where it is long."""
    words = text.split()
    while len(words) > 1 and len(" ".join(words)) > _SIGNS:
        words.pop()
    return " ".join(words)
