"""Pieces of a good title: what is left when a line was cut, lost or taken for the whole."""

from __future__ import annotations

import random
import re

from .draw import below, happens, pick

# A title cut after one of these is visibly cut.
OPEN = frozenset({
    "a", "an", "and", "as", "at", "between", "by", "for", "from", "in", "into", "is", "of", "on",
    "or", "the", "their", "through", "to", "toward", "towards", "under", "using", "versus", "via",
    "with", "within", "without",
})  # fmt: skip
_ENDS = re.compile(r"[\s,;:.*†∗?]+$")
_JOINTS = ("for", "of", "in", "with", "and", "on", "to", "using", "by", "from")


def front(title: str, rng: random.Random) -> str:
    """Return the first words of a title, as where its first line was taken for the whole."""
    tokens = title.split()
    if len(tokens) < 3:
        return title[: max(1, len(title) * (40 + below(rng, 40)) // 100)].rstrip() or title
    kept = len(tokens) * (35 + below(rng, 50)) // 100
    return " ".join(tokens[: max(1, min(kept, len(tokens) - 1))])


def left_open(title: str, rng: random.Random) -> str:
    """Return the first words up to one that cannot end a title; without one, the front."""
    tokens = title.split()
    ends = [at for at, word in enumerate(tokens[:-1]) if at and word.lower() in OPEN]
    return " ".join(tokens[: pick(ends, rng) + 1]) if ends else front(title, rng)


def trailing(title: str, rng: random.Random) -> str:
    """Return a title that was shortened for display, with dots for the rest."""
    tokens = title.split()
    kept = max(1, len(tokens) * (40 + below(rng, 45)) // 100)
    while kept > 2 and tokens[kept - 1].lower() in OPEN and happens(rng, 50):
        kept -= 1
    return " ".join(tokens[:kept]) + pick((" . . .", " . . .", "...", " ...", "…"), rng)


def broken(title: str, rng: random.Random) -> str:
    """Return a title cut within a word, with or without the hyphen of the line's end."""
    places = [found.start() for found in re.finditer(r"(?<=\w\w\w)\w\w\w", title)]
    places = [place for place in places if 3 * place > len(title)]
    if not places:
        return front(title, rng)
    return title[: pick(places, rng)] + pick(("-", "-", ""), rng)


def back(title: str, rng: random.Random) -> str:
    """Return the last words of a title, as where its first line was lost."""
    tokens = title.split()
    if len(tokens) < 3:
        return tokens[-1] if len(tokens) > 1 else title[len(title) // 3 :].lstrip()
    lost = len(tokens) * (20 + below(rng, 50)) // 100
    return " ".join(tokens[max(1, min(lost, len(tokens) - 1)) :])


def back_open(title: str, rng: random.Random) -> str:
    """Return the last words from one that begins no title; without one, the back."""
    tokens = title.split()
    starts = [at for at, word in enumerate(tokens) if at and word.lower() in OPEN]
    return " ".join(tokens[pick(starts, rng) :]) if starts else back(title, rng)


def middle(title: str, rng: random.Random) -> str:
    """Return one to four words from within a title, often in small letters."""
    tokens = title.split()
    length = min(len(tokens), 1 + pick((1, 1, 1, 2, 2, 3), rng))
    start = below(rng, len(tokens) - length + 1)
    piece = " ".join(tokens[start : start + length])
    return piece.lower() if happens(rng, 35) else piece


def single(title: str, rng: random.Random) -> str:
    """Return one word of a title, mostly a long one, in small letters or as it stands."""
    tokens = [_ENDS.sub("", word) for word in title.split()]
    tokens = [word for word in tokens if word] or [title]
    long = [word for word in tokens if len(word) > 4]
    word = pick(long if long and happens(rng, 80) else tokens, rng)
    style = below(rng, 100)
    if style < 45:
        return word.lower()
    return word.upper() if style > 93 else word


def main_part(title: str, rng: random.Random) -> str:
    """Return a title without its subtitle; without one, a title without its last attribute."""
    head, colon, _ = title.partition(": ")
    if colon and head.count(" "):
        return head
    tokens = title.split()
    cuts = [at for at, word in enumerate(tokens) if at > 2 and word.lower() in _JOINTS]
    return " ".join(tokens[: cuts[-1]]) if cuts else without_first(title, rng)


def subtitle(title: str, rng: random.Random) -> str:
    """Return what follows a title's colon; without one, the title without its first words."""
    tail = title.partition(": ")[2]
    if tail.count(" ") > 1:
        return tail[:1].upper() + tail[1:]
    return without_first(title, rng)


def without_first(title: str, rng: random.Random) -> str:
    """Return a title that lacks its first word, or two, and begins with a capital all the same."""
    tokens = title.split()
    lost = 1 if len(tokens) < 6 else 1 + below(rng, 2)
    while lost < len(tokens) - 1 and tokens[lost].lower() in OPEN:
        lost += 1
    rest = " ".join(tokens[lost:] or tokens)
    return rest[:1].upper() + rest[1:]


def crossed(title: str, other: str, rng: random.Random) -> str:
    """Return the beginning of one title with the end of another, joined at a common small word."""
    one, two = title.split(), other.split()
    here = {word.lower(): at for at, word in enumerate(one) if at and word.lower() in _JOINTS}
    joints = [
        (here[word.lower()], at)
        for at, word in enumerate(two[:-1])
        if at and word.lower() in here and here[word.lower()] + len(two) - at > 4
    ]
    if joints:
        first, second = pick(joints, rng)
        return " ".join([*one[:first], *two[second:]])
    return " ".join([*one[: max(1, len(one) // 2)], *two[len(two) // 2 :]])
