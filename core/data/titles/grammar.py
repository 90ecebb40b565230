"""Symbols of the grammar and how they are written: correct titles, and wrong ones made of good."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from . import cuts
from .damage import damaged
from .draw import below, happens, pick
from .faults import FAULTS, PARTS
from .fields import FIELD_SHARES, FIELDS
from .matter import MATTER
from .shapes import SHAPES

_SLOT = re.compile(r"\{(\w+)(\^?)\}")
_MINOR = frozenset({
    "a", "an", "and", "as", "at", "but", "by", "do", "for", "from", "good", "how", "in", "is",
    "of", "on", "or", "the", "to", "under", "versus", "via", "when", "with", "through",
})  # fmt: skip
_FIELD_NAMES = tuple(name for name, share in FIELD_SHARES for _ in range(share))


@dataclasses.dataclass(frozen=True)
class Draft:
    """What a text is written from: chance, a field of study, and good titles for a wrong one."""

    rng: random.Random
    field: str = ""
    whole: str = ""
    other: Callable[[], str] = str


def make_title(rng: random.Random) -> str:
    """Return one correct title: title case, sentence case, something between, or capitals."""
    text = expand("title", Draft(rng, pick(_FIELD_NAMES, rng)))
    text = re.sub(r"\b([Aa]) (?=[aeioAEIOÉ]|un(?!i)|[FLMNRSX][A-Z])", r"\1n ", text)
    style = below(rng, 100)
    if style < 54:
        text = title_case(text)
    elif style < 84:
        text = capital(text, after_colon=style < 70)
    elif style < 94:
        text = _other_capitals(text, rng)
    else:
        text = text.upper()
    return _with_mark(text, rng)


def make_fault(kind: str, rng: random.Random, whole: str, other: Callable[[], str]) -> str:
    """Return a wrong text of a kind, made from the good title `whole` and, at need, from others."""
    return expand(kind, Draft(rng, "", whole, other))


def expand(symbol: str, draft: Draft) -> str:
    """Return one way to write a symbol of the grammar, all its slots filled."""
    special = SPECIAL.get(symbol)
    if special is not None:
        return special(draft)
    own = _FIELDS.get(draft.field, _RULES)
    template = pick(own[symbol] if symbol in own else _RULES[symbol], draft.rng)
    if len(template) == 1 and template[0].name == "":
        return template[0].text
    used: list[str] = []
    made = ""
    for slot in template:
        made += slot.text
        if not slot.name:
            continue
        text = expand(slot.name, draft)
        for _ in range(5):  # the same word twice in a title would give the faults away
            if text not in used:
                break
            text = expand(slot.name, draft)
        used.append(text)
        made += capital(text) if slot.capital else text
    return made


class _Slot(NamedTuple):
    """Words as they stand, and the symbol that follows them ("": none)."""

    text: str
    name: str
    capital: bool


def _parsed(rules: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[_Slot, ...]]]:
    """Return templates as slots: what is parsed once need not be for every row."""
    return {symbol: [_slots(entry) for entry in entries] for symbol, entries in rules.items()}


def _slots(entry: str) -> tuple[_Slot, ...]:
    found, start = [], 0
    for slot in _SLOT.finditer(entry):
        found.append(_Slot(entry[start : slot.start()], slot[1].rstrip("2"), bool(slot[2])))
        start = slot.end()
    return (*found, *([_Slot(entry[start:], "", False)] if entry[start:] else []))


def capital(text: str, after_colon: bool = False) -> str:
    """Return the text with a capital first letter, and one after its colon if wished."""
    text = text[:1].upper() + text[1:]
    if not after_colon:
        return text
    return re.sub(r": ([a-z])", lambda found: ": " + found[1].upper(), text)


def title_case(text: str) -> str:
    """Return the text with capitals on all but its small words."""
    words = text.split(" ")
    for index, word in enumerate(words):
        starts = index == 0 or words[index - 1].endswith(":")
        if starts or word not in _MINOR:
            words[index] = "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
    return " ".join(words)


def _other_capitals(text: str, rng: random.Random) -> str:
    """Return the text in a case between the two: all words capital, or the long ones alone."""
    words = capital(text).split(" ")
    least = pick((1, 1, 5, 6), rng)
    return " ".join(word[:1].upper() + word[1:] if len(word) >= least else word for word in words)


def _with_mark(text: str, rng: random.Random) -> str:
    """Return a title as lists of titles have it: rarely with a footnote's mark, a period or space.

    Such a mark alone does not make a title wrong.
    """
    style = below(rng, 200)
    if style < 8:
        return text + pick(("*", " *", " ?", " 1", "†", " ∗"), rng)
    if style < 10 and text[-1] not in "?!.":
        return text + "."
    return text


def _pages(draft: Draft) -> str:
    first = 1 + below(draft.rng, 900)
    return f"{first}{pick(('-', '–', '--', '–'), draft.rng)}{first + 4 + below(draft.rng, 30)}"


def _ordinal(draft: Draft) -> str:
    number = 1 + below(draft.rng, 39)
    teen = 10 < number < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _coined(draft: Draft) -> str:
    """Return the invented name of a system: an acronym or a made-up word."""
    rng = draft.rng
    if happens(rng, 50):
        return "".join(pick("ABCDEFGILMNOPRSTV", rng) for _ in range(3 + below(rng, 3)))
    starts = ("ba", "cor", "del", "fi", "gra", "hex", "ko", "lum", "mo", "net", "ori", "pla", "vi")
    ends = ("der", "flow", "fy", "ka", "lab", "mix", "net", "ra", "scope", "sys", "tor", "x", "Web")
    return capital(pick(starts, rng) + pick(starts, rng) + pick(ends, rng))


def _years(draft: Draft) -> str:
    first = 1700 + below(draft.rng, 300)
    return f"{first}{pick(('-', '–'), draft.rng)}{first + 2 + below(draft.rng, 25)}"


def _venue(draft: Draft) -> str:
    return _letters("ACDEIKLMPRSTVW", 3 + below(draft.rng, 3), draft.rng)


def _letters(letters: str, count: int, rng: random.Random) -> str:
    return "".join(pick(letters, rng) for _ in range(count))


def _iso(draft: Draft) -> str:
    rng = draft.rng
    return f"{1986 + below(rng, 39)}-{1 + below(rng, 12):02d}-{1 + below(rng, 28):02d}"


def _piece(cut: Callable[[str, random.Random], str]) -> Callable[[Draft], str]:
    return lambda draft: cut(draft.whole, draft.rng)


def _number(first: int, count: int) -> Callable[[Draft], str]:
    return lambda draft: str(first + below(draft.rng, count))


def _lower(symbol: str) -> Callable[[Draft], str]:
    return lambda draft: re.sub(r"[^a-z]", "", expand(symbol, draft).lower()) or "x"


SPECIAL: dict[str, Callable[[Draft], str]] = {
    "whole": lambda draft: draft.whole,
    "other": lambda draft: draft.other(),
    "front": _piece(cuts.front),
    "open": _piece(cuts.left_open),
    "dotted": _piece(cuts.trailing),
    "broken": _piece(cuts.broken),
    "back": _piece(cuts.back),
    "back_open": _piece(cuts.back_open),
    "middle": _piece(cuts.middle),
    "single": _piece(cuts.single),
    "main_part": _piece(cuts.main_part),
    "subtitle_alone": _piece(cuts.subtitle),
    "without_first": _piece(cuts.without_first),
    "crossed": lambda draft: cuts.crossed(draft.whole, draft.other(), draft.rng),
    "misread": _piece(damaged),
    "coined": _coined,
    "pages": _pages,
    "years": _years,
    "ordinal": _ordinal,
    "date_iso": _iso,
    "venue_short": _venue,
    "digit": _number(2, 8),
    "num": _number(1, 48),
    "day": _number(1, 28),
    "page": _number(10, 1200),
    "zip": _number(10000, 90000),
    "year": _number(1986, 39),
    "short_year": lambda draft: f"{(86 + below(draft.rng, 39)) % 100:02d}",
    "letter": lambda draft: pick("ABCDEFGH", draft.rng),
    "initial": lambda draft: pick("ABCDEFGHIJKLMNOPRSTVWYZ", draft.rng),
    "code": lambda draft: _letters("ACDILMNRSTU", 2 + below(draft.rng, 3), draft.rng),
    "code_low": lambda draft: _letters("abcdijlmnprstvx", 2 + below(draft.rng, 5), draft.rng),
    "code_number": lambda draft: (
        f"{below(draft.rng, 20):03d}-{below(draft.rng, 10000):04d}-"
        + pick("0123456789x", draft.rng)
    ),
    "author_caps": lambda draft: expand("author", draft).upper(),
    "upper_theme": lambda draft: expand("theme", draft).upper(),
    "word_theme": lambda draft: expand("theme", draft).split(" ")[-1][:4],
    "lowfirst": _lower("first"),
    "lowlast": _lower("last"),
    "lowtown": _lower("town"),
}

_RULES = _parsed({**SHAPES, **FAULTS, **PARTS, **MATTER})
_FIELDS = {name: _parsed(rules) for name, rules in FIELDS.items()}
