"""Synthetic titles: the data of a first run, made on the spot from a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from .synthetic_faults import FAULTS, SHARES
from .synthetic_words import TITLES

T = TypeVar("T")

_RULES = {**TITLES, **FAULTS}
_SLOT = re.compile(r"\{(\w+)(\^?)\}")
_MINOR = frozenset({
    "a", "an", "and", "as", "at", "but", "by", "do", "for", "from", "good", "how", "in", "is",
    "of", "on", "or", "the", "to", "under", "versus", "via", "when", "with", "through",
})  # fmt: skip
# A title cut after one of these is visibly cut.
_OPEN = frozenset({
    "a", "an", "and", "as", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to",
    "under", "using", "versus", "via", "with",
})  # fmt: skip
_KINDS = tuple(kind for kind, share in SHARES for _ in range(share))


def make_titles(rows: int, seed: int) -> tuple[list[str], list[str]]:
    """Return `rows` texts and their labels, half "correct" and half "wrong", in random order.

    The same rows and seed give the same texts on every platform. No text occurs twice as long
    as the words allow it. About 4 % of the rows are wrong yet read like titles.
    """
    rng = random.Random(seed)
    labels = ["correct", "wrong"] * (rows // 2) + ["correct"] * (rows % 2)
    for last in range(len(labels) - 1, 0, -1):
        other = _below(rng, last + 1)
        labels[last], labels[other] = labels[other], labels[last]
    seen: set[str] = set()
    makers = {"correct": make_title, "wrong": make_fault}
    return [_new(makers[label], rng, seen) for label in labels], labels


def make_title(rng: random.Random) -> str:
    """Return one title in title case, sentence case or capitals."""
    text = expand("title", rng)
    text = re.sub(r"\b([Aa]) (?=[aeioAEIO]|un(?!i)|[FLMNRSX][A-Z])", r"\1n ", text)
    style = rng.random()
    if style < 0.62:
        return _title_case(text)
    if style < 0.94:
        return _capital(text, after_colon=style < 0.80)
    return text.upper()


def make_fault(rng: random.Random) -> str:
    """Return what an extractor might take for a title by mistake."""
    text = expand(_pick(_KINDS, rng), rng)
    return text.upper() if rng.random() < 0.03 else text


def expand(symbol: str, rng: random.Random) -> str:
    """Return one way to write a symbol of the grammar, all its slots filled."""
    if symbol in _SPECIAL:
        return _SPECIAL[symbol](rng)

    used: list[str] = []

    def fill(slot: re.Match[str]) -> str:
        name = slot[1].rstrip("2")
        text = expand(name, rng)
        for _ in range(5):  # the same word twice in a title would give the faults away
            if text not in used:
                break
            text = expand(name, rng)
        used.append(text)
        return _capital(text) if slot[2] else text

    return _SLOT.sub(fill, _pick(_RULES[symbol], rng))


def _below(rng: random.Random, limit: int) -> int:
    # random() is the one method whose sequence Python promises never to change.
    return int(rng.random() * limit)


def _pick(entries: Sequence[T], rng: random.Random) -> T:
    return entries[_below(rng, len(entries))]


def _new(make: Callable[[random.Random], str], rng: random.Random, seen: set[str]) -> str:
    text = make(rng)
    for _ in range(20):
        if text.lower() not in seen:
            break
        text = make(rng)
    seen.add(text.lower())
    return text


def _capital(text: str, after_colon: bool = False) -> str:
    text = text[:1].upper() + text[1:]
    if not after_colon:
        return text
    return re.sub(r": ([a-z])", lambda found: ": " + found[1].upper(), text)


def _title_case(text: str) -> str:
    words = text.split(" ")
    for index, word in enumerate(words):
        starts = index == 0 or words[index - 1].endswith(":")
        if starts or word not in _MINOR:
            words[index] = "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
    return " ".join(words)


def _front(rng: random.Random) -> str:
    """Return the first half or so of a title, cut at any word."""
    words = make_title(rng).split(" ")
    return " ".join(words[: max(1, round(len(words) * (0.35 + 0.5 * rng.random())))])


def _open(rng: random.Random) -> str:
    """Return the first words of a title up to one that cannot end it."""
    for _ in range(20):
        words = make_title(rng).split(" ")
        ends = [i for i, word in enumerate(words) if i and word.lower() in _OPEN]
        if ends:
            return " ".join(words[: _pick(ends, rng) + 1])
    return "Proceedings of the"


def _back(rng: random.Random) -> str:
    """Return the last words of a title, started anywhere but at its beginning."""
    words = make_title(rng).split(" ")
    return " ".join(words[max(1, round(len(words) * (0.2 + 0.45 * rng.random()))) :]) or words[0]


def _pages(rng: random.Random) -> str:
    first = 1 + _below(rng, 900)
    return f"{first}{_pick(('-', '–', '--'), rng)}{first + 4 + _below(rng, 30)}"


def _ordinal(rng: random.Random) -> str:
    number = 1 + _below(rng, 39)
    teen = 10 < number < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _coined(rng: random.Random) -> str:
    """Return the invented name of a system: an acronym or a made-up word."""
    if rng.random() < 0.5:
        return "".join(_pick("ABCDEFGILMNOPRSTV", rng) for _ in range(3 + _below(rng, 3)))
    syllables = ("ba", "cor", "del", "fi", "gra", "hex", "ko", "lum", "mo", "net", "ori", "pla")
    endings = ("der", "flow", "fy", "ka", "lab", "mix", "net", "ra", "scope", "sys", "tor", "x")
    return _capital(_pick(syllables, rng) + _pick(syllables, rng) + _pick(endings, rng))


def _years(rng: random.Random) -> str:
    first = 1900 + _below(rng, 100)
    return f"{first}-{first + 2 + _below(rng, 25)}"


def _lower(symbol: str) -> Callable[[random.Random], str]:
    return lambda rng: re.sub(r"[^a-z]", "", expand(symbol, rng).lower())


_SPECIAL: dict[str, Callable[[random.Random], str]] = {
    "whole": make_title,
    "front": _front,
    "open": _open,
    "back": _back,
    "coined": _coined,
    "pages": _pages,
    "years": _years,
    "ordinal": _ordinal,
    "digit": lambda rng: str(2 + _below(rng, 8)),
    "num": lambda rng: str(1 + _below(rng, 48)),
    "day": lambda rng: str(1 + _below(rng, 28)),
    "page": lambda rng: str(10 + _below(rng, 1200)),
    "zip": lambda rng: str(10000 + _below(rng, 90000)),
    "year": lambda rng: str(1986 + _below(rng, 39)),
    "short_year": lambda rng: f"{(86 + _below(rng, 39)) % 100:02d}",
    "letter": lambda rng: _pick("ABCDEFGH", rng),
    "initial": lambda rng: _pick("ABCDEFGHIJKLMNOPRSTVWYZ", rng),
    "code": lambda rng: "".join(_pick("ACDILMNRSTU", rng) for _ in range(2 + _below(rng, 3))),
    "venue_short": lambda rng: "".join(_pick("ACDEIKLMPRSTVW", rng) for _ in range(4)),
    "author_caps": lambda rng: expand("author", rng).upper(),
    "lowfirst": _lower("first"),
    "lowlast": _lower("last"),
    "lowtown": _lower("town"),
}
