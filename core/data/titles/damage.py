"""A title as bad character recognition or a broken text layer hands it over."""

from __future__ import annotations

import random
import re

from .draw import below, happens, pick

# What recognition takes one letter, or two, for.
_TAKEN_FOR = {
    "a": ("o", "s", "~", "u"), "b": ("h", "6", "lo"), "c": ("e", "o", "("), "d": ("cl", "ci"),
    "e": ("c", "o", "."), "f": ("t", "r"), "g": ("q", "9", "s"), "h": ("li", "b", "n"),
    "i": ("l", "1", "j", "!"), "k": ("lc", "h"), "l": ("1", "i", "I", "|"), "m": ("rn", "nn", "ni"),
    "n": ("ri", "u", "m"), "o": ("0", "c", "e"), "p": ("n", "j)"), "q": ("g", "9"),
    "r": ("n", "i", "t"), "s": ("5", "a", "$"), "t": ("l", "f", "i"), "u": ("n", "ii", "v"),
    "v": ("y", "u"), "w": ("vv", "u'"), "y": ("v", "j"), "z": ("2", "x"), "fi": ("?", "", "fl"),
    "ff": ("?", "", "fi"), "ti": ("fi", "l:i"), "A": ("/\\", "4"), "B": ("8", "I3"), "C": ("(",),
    "D": ("I)", "O"), "E": ("F", "I"), "G": ("C", "6"), "I": ("l", "1", "]"), "L": ("I.", "l"),
    "O": ("0", "Q"), "P": ("F", "l'"), "R": ("K", "I~"), "S": ("5", "$"), "T": ("l'", "I"),
}  # fmt: skip
_NOISE = ("~", "^", "|", ".", "'", "`", "_", ":", ";", "\\", "*", "•", "»")


def misread(title: str, rng: random.Random) -> str:
    """Return a title with letters taken for others, spaces lost and put in, and specks."""
    rate = pick((6, 10, 16, 25), rng)
    made = ""
    at = 0
    while at < len(title):
        pair = title[at : at + 2]
        piece = pair if pair in _TAKEN_FOR else title[at]
        at += len(piece)
        if piece in _TAKEN_FOR and happens(rng, rate):
            made += pick(_TAKEN_FOR[piece], rng)
        elif piece == " " and happens(rng, rate // 2):
            made += pick(("", "", ". ", "- "), rng)
        elif below(rng, 400) < rate:
            made += piece + pick(_NOISE, rng)
        else:
            made += piece
    return made


def spaced(title: str, rng: random.Random) -> str:
    """Return a title with some of its words, or all, set as single letters."""
    whole = happens(rng, 40)

    def set_apart(found: re.Match[str]) -> str:
        return " ".join(found[0]) if whole or happens(rng, 40) else found[0]

    return re.sub(r"\w\w\w\w+", set_apart, title)


def run_together(title: str, rng: random.Random) -> str:
    """Return a title whose spaces are lost, all or most of them."""
    lost = pick((60, 80, 100), rng)
    return re.sub(r" ", lambda _: "" if happens(rng, lost) else " ", title)


def doubled(title: str, rng: random.Random) -> str:
    """Return a title that the text layer holds twice: whole, or each letter."""
    if happens(rng, 60):
        return f"{title} {title}"
    return re.sub(r"\w", lambda found: found[0] * 2, title)


def unmapped(title: str, rng: random.Random) -> str:
    """Return a title whose letters are signs of a font without a map, all or many of them."""
    rate = pick((30, 60, 100), rng)
    sign = pick(("?", "\ufffd", "□", "¤", "#"), rng)
    return re.sub(r"\w", lambda found: sign if happens(rng, rate) else found[0], title)


_WAYS = (misread, misread, misread, misread, spaced, run_together, doubled, unmapped)


def damaged(title: str, rng: random.Random) -> str:
    """Return a title damaged in one of these ways, and never as it was."""
    for _ in range(20):
        made = pick(_WAYS, rng)(title, rng)
        if made != title:
            return made
    return f"{title} {title}"
