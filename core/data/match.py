"""Whether an extracted title is its catalogue's: compared without what extraction may change."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from .columns import is_blank
from .splits import normalise

CORRECT, WRONG, UNSURE = "correct", "wrong", "unsure"

_TAG = re.compile(
    r"</?(?:[ibup]|em|strong|span|br|su[bp]|scp|inf|tt|(?:jats|mml):\w+)\b[^<>]*>", re.IGNORECASE
)
_AND = re.compile(r"&(?!#?\w+;)")  # a sign, not the beginning of an entity
_LONGEST = 10_000
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_SUBTITLE = re.compile(r"[:：]|\s[-–—]+\s|[—?!.]\s")
_BETWEEN = re.compile(r"[\W_]+")
_ASKING = frozenset("?!？！")
_DANGLING = frozenset(".,:;-–—/&。，、：；")
_ACCENTS = dict.fromkeys(range(0x300, 0x370))  # of Latin, Greek and Cyrillic, no script's vowels
_NO_LETTERS = dict.fromkeys(map(ord, "™℠"))  # which would become TM and SM
_PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)


@dataclass(frozen=True)
class Rules:
    """How a distance becomes a label: from 0 to `correct`, from `wrong` to 1, unsure between.

    `subtitle`: the label where one of the two titles ends before the other's subtitle.
    """

    correct: float = 0.0
    wrong: float = 0.1
    subtitle: str = UNSURE

    def __post_init__(self) -> None:
        if not 0 <= self.correct < self.wrong <= 1:
            raise UsageError(
                f"--correct-up-to {self.correct:g}, --wrong-from {self.wrong:g}: expected two "
                "numbers from 0 to 1, the first one smaller"
            )
        if self.subtitle not in (CORRECT, WRONG, UNSURE):
            raise UsageError(f"--subtitle {self.subtitle}: expected {CORRECT}, {WRONG} or {UNSURE}")


@dataclass(frozen=True)
class Verdict:
    """The label of an extracted title, its distance (None: nothing to compare) and the reason.

    `title` is the catalogue's title that is nearest.
    """

    label: str
    distance: float | None
    title: str = ""
    reason: str = ""


def judge(extracted: str, titles: Sequence[str], rules: Rules) -> Verdict:
    """Compare an extracted title with the catalogue's of the same key; the nearest one decides.

    The same letters are correct unless words are joined or divided without a hyphen ("spaces"),
    HTML stands in the extracted title ("HTML"), or one title ends as the other does not
    ("ending"): those are not sure.
    """
    if is_blank(extracted):
        return Verdict(WRONG, 1.0, next(iter(titles), ""), "blank")
    known = [title for title in titles if not is_blank(title)]
    if not known:
        return Verdict(UNSURE, None, "", "no title in the catalogue")
    found, flaw, place = min((*compare(extracted, title), at) for at, title in enumerate(known))
    title = known[place]
    if found <= rules.correct:
        return Verdict(UNSURE if flaw else CORRECT, found, title, flaw)
    if not letters(title):
        return Verdict(UNSURE, found, title, "no letters in the catalogue's title")
    if _lacks_subtitle(extracted, title) or _lacks_subtitle(title, extracted):
        return Verdict(rules.subtitle, found, title, "subtitle")
    if found >= rules.wrong:
        return Verdict(WRONG, found, title)
    return Verdict(UNSURE, found, title, "near")


def compare(extracted: str, title: str) -> tuple[float, str]:
    """Return how far two titles are apart, from 0 (the same letters and digits) to 1, and a flaw.

    Levenshtein's distance of what ``letters`` leaves, over the longer one's length; 1 beyond
    10,000 letters, which are no title. Where it is 0, the flaw says what else differs, "" for
    nothing that counts.
    """
    from rapidfuzz.distance import Levenshtein

    if extracted == title:
        return 0.0, ""
    best = (1.0, "")
    others = [(text, _letters_or_signs(text)) for text in _catalogues(title)]
    for text, flaw in _extractions(extracted):
        one = _letters_or_signs(text)
        for other_text, other in others:
            if one == other:
                flaw = flaw or _ending(text, other_text) or _spaces(text, other_text)
                best = min(best, (0.0, flaw))
            elif max(len(one), len(other)) <= _LONGEST:
                best = min(best, (Levenshtein.normalized_distance(one, other), ""))
    return best


def letters(title: str) -> str:
    """Return the letters and digits of a title without case, accents, ligatures and spaces.

    So a word divided at a line's end is whole again, and all punctuation is the same.
    """
    text = normalise(title.translate(_NO_LETTERS))
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", text).translate(_ACCENTS)
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


def _letters_or_signs(title: str) -> str:
    return letters(title) or title.casefold()


def _extractions(title: str) -> Iterator[tuple[str, str]]:
    """Yield what an extracted title may stand for, and the flaw where that is one."""
    yield title, ""
    body, end = _ended(title)
    if body.endswith(tuple(_RAISED)):
        yield body.rstrip(_RAISED + ", ") + end, ""
    if "&" in title or "<" in title:
        yield _AND.sub(" and ", title), ""
        for text in _decoded(title):
            yield text, "HTML"


def _catalogues(title: str) -> Iterator[str]:
    """Yield what a catalogue's title may stand for; catalogues keep HTML in theirs."""
    yield title
    if "&" in title or "<" in title:
        yield _AND.sub(" and ", title)
        yield from _decoded(title)


def _decoded(title: str) -> Iterator[str]:
    text = _TAG.sub("", html.unescape(html.unescape(title)))
    if text != title:
        yield text
        yield _AND.sub(" and ", text)


def _ending(extracted: str, title: str) -> str:
    """Return the flaw of titles of which one asks, or of an extracted one that ends too early."""
    one, other = (set(_ended(text)[1]) for text in (extracted, title))
    asks = bool(one & _ASKING) is not bool(other & _ASKING)
    return "ending" if asks or (one & _DANGLING and not other & _DANGLING) else ""


def _ended(title: str) -> tuple[str, str]:
    """Return a title up to its last letter or digit, and the signs behind it."""
    length = len(title)
    while length and not title[length - 1].isalnum():
        length -= 1
    return title[:length], title[length:]


def _spaces(one: str, other: str) -> str:
    """Return the flaw of a space where the other title has neither space nor sign."""
    bare, any_sign = _gaps(one)
    other_bare, other_any = _gaps(other)
    return "spaces" if bare - other_any or other_bare - any_sign else ""


def _gaps(title: str) -> tuple[set[int], set[int]]:
    """Return after how many letters a bare space stands, and after how many any sign.

    A space between Chinese characters parts no words.
    """
    title = unicodedata.normalize("NFC", title).strip()
    bare, signs, at, begin = set(), set(), 0, 0
    for found in _BETWEEN.finditer(title):
        at += len(letters(title[begin : found.start()]))
        begin = found.end()
        signs.add(at)
        around = title[found.start() - 1 : found.start()] + title[begin : begin + 1]
        wide = any(unicodedata.east_asian_width(sign) in "WF" for sign in around)
        if found[0].isspace() and not wide:
            bare.add(at)
    total = at + len(letters(title[begin:]))
    return bare - {0, total}, signs


def _lacks_subtitle(short: str, long: str) -> bool:
    ends = [found.start() for found in _SUBTITLE.finditer(long)]
    if not ends:
        return False
    wanted = letters(short)
    return bool(wanted) and any(letters(long[:end]) == wanted for end in ends)
