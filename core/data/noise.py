"""Faults that reading from paper and PDF leaves in a text, drawn from a seed.

Each fault is a function of (text, strength, rng): strength 0 gives the text itself, and a text that
is not blank never becomes blank. A character is a letter with the marks above and below it, so
that scripts without spaces or case are damaged sign by sign and stay well-formed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

from .columns import is_blank

if TYPE_CHECKING:
    import numpy as np

Fault = Callable[[str, float, "np.random.Generator"], str]

# Signs that are taken for each other, in either direction; two for one are framing errors. The
# kinds follow Kukich 1992, the pairs are ours.
_ALIKE = """
    rn m, cl d, vv w, ri n, li h, ii u, nn m, l 1, l I, I 1, i l, i j, O 0, o 0, O Q, D O, S 5, s 5,
    B 8, Z 2, z 2, G 6, b 6, g 9, g q, e c, o c, a o, u v, n u, h b, f t, C G, E F, U V, P F, . :,
    己 已, 已 巳, 未 末, 士 土, 人 入, 千 干, 大 太, 太 犬, 日 曰, 日 目, 口 囗, 天 夫,
    王 玉, 今 令, ソ ン, シ ツ, ニ 二, ハ 八, カ 力, ロ 口, エ 工, ー 一, は ほ, ぬ め, れ わ,
    る ろ, さ き, ก ถ, ค ด, ต ค, บ ป, ผ ฝ, พ ฟ, ช ซ, ฎ ฏ, ข ฃ
"""
_LIGATURES = ("ffi", "ffl", "ff", "fi", "fl")  # one sign in print, often lost or left as one
_ACCENTS = {"\u0300": "`", "\u0301": "´", "\u0302": "^", "\u0303": "~", "\u0308": "¨"}
_SHORTEST = 6  # signs of a word that a line end divides
_BREAKS = ("- ", "-", " ")


def _readings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in _ALIKE.split(","):
        one, other = pair.split()
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    for whole in _LIGATURES:
        found[whole] = ["", " ", unicodedata.lookup(f"LATIN SMALL LIGATURE {whole.upper()}")]
    return found


READINGS = _readings()
_LONGEST = max(map(len, READINGS))


def signs_of(text: str) -> list[str]:
    """Return the characters of a text, each with the marks that stand on it."""
    if text.isascii():
        return list(text)
    found: list[str] = []
    for letter in text:
        if found and (unicodedata.category(letter)[0] == "M" or letter == "\u200d"):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def ocr(text: str, strength: float, rng: np.random.Generator) -> str:
    """Return the text as a poor reader of print sees it.

    Each character is misread with probability `strength`: as what looks like it where there is
    such a thing (rn as m, l as 1, fi lost), without its accent or with it beside, else dropped,
    doubled or followed by a space; a space is lost. Kinds after Kukich 1992, Techniques for
    Automatically Correcting Words in Text, ACM Computing Surveys 24(4); the shares are ours.
    """
    signs = signs_of(text)
    places = (rng.random(len(signs)) < strength).nonzero()[0].tolist()
    begin = 0
    for place in places:
        if place < begin:
            continue  # read together with the sign before it
        width = next(
            (n for n in range(_LONGEST, 0, -1) if "".join(signs[place : place + n]) in READINGS), 1
        )
        whole = "".join(signs[place : place + width])
        signs[place : place + width] = [_misread(whole, rng), *[""] * (width - 1)]
        begin = place + width
    return _unless_blank("".join(signs), text) if places else text


def _misread(sign: str, rng: np.random.Generator) -> str:
    if sign.isspace():
        return ""
    plain, *marks = list(unicodedata.normalize("NFD", sign))
    choices = list(READINGS.get(sign, ()))
    if marks and marks[0] in _ACCENTS:
        choices = [plain, _ACCENTS[marks[0]] + plain]
    if not choices or rng.random() < 0.25:
        choices = ["", sign + sign, sign + " "]
    return choices[rng.integers(len(choices))]


def change_case(text: str, strength: float, rng: np.random.Generator) -> str:
    """Return the text with each word, with probability `strength`, in another case.

    The case is drawn for the text among those that would change it: upper, lower, or each word
    with a capital. A script without case stays as it is.
    """
    words = re.split(r"(\s+)", text)
    styles = [
        style
        for style in (str.upper, str.lower, str.capitalize)
        if any(style(word) != word for word in words)
    ]
    if not styles:
        return text
    style = styles[rng.integers(len(styles))]
    draws = rng.random(len(words))
    pairs = zip(words, draws, strict=True)
    return "".join(style(word) if draw < strength else word for word, draw in pairs)


def truncate(text: str, strength: float, rng: np.random.Generator) -> str:
    """Return the text without a share `strength` of its characters, at the front or at the end.

    At least one character goes (unless `strength` is 0), and one that is no space stays.
    """
    signs = signs_of(text)
    gone = min(len(signs) - 1, max(1, round(strength * len(signs))))
    if not strength or gone < 1:
        return text
    left = signs[gone:] if rng.random() < 0.5 else signs[:-gone]
    return _unless_blank("".join(left).strip(), text)


def glue_header(text: str, strength: float, rng: np.random.Generator) -> str:
    """Return the text with matter of a page's header or footer before or behind it.

    Pieces (volume and number, page, date, kind of publication) are added at either end until they
    are `strength` times as long as the text. They are Chinese, Japanese or Thai where the text is.
    """
    make, signs = _pieces(text), 0
    found = text
    while signs < strength * len(text):
        piece = make(rng)
        found = f"{piece} {found}" if rng.random() < 0.5 else f"{found} {piece}"
        signs += len(piece)
    return found


def _pieces(text: str) -> Callable[[np.random.Generator], str]:
    """Return what draws a piece of a header in the script of the text."""
    kinds = {unicodedata.name(sign, "").split(" ")[0] for sign in text}
    forms = (
        ("第{n}巻第{m}号", "{year}年{m}月", "{page}頁") if kinds & {"HIRAGANA", "KATAKANA"}
        else ("第{n}卷第{m}期", "{year}年{m}月", "第{page}页") if "CJK" in kinds
        else ("ปีที่ {n} ฉบับที่ {m}", "ค.ศ. {year}", "หน้า {page}") if "THAI" in kinds
        else (
            "Vol. {n}, No. {m}", "{page}", "pp. {page}-{last}", "{m}/{year}", "Proceedings {year}",
            "Technical Report {page}", "Research Article", "Draft of {year}", "Chapter {m}",
        )
    )  # fmt: skip

    def draw(rng: np.random.Generator) -> str:
        n, m, page, year = (int(rng.integers(*ends)) for ends in _RANGES)
        form = forms[rng.integers(len(forms))]
        return form.format(n=n, m=m, page=page, last=page + m, year=year)

    return draw


_RANGES = ((1, 60), (1, 13), (2, 400), (1970, 2025))


def break_words(text: str, strength: float, rng: np.random.Generator) -> str:
    """Return the text with the traces of line ends left in it.

    Each word of six signs or more is divided with probability `strength` ("process- ing",
    "process-ing", "pro cessing"), and each space lost with a third of it. In scripts without case,
    where words may have no spaces between them, every six signs count as a word, and what divides
    them is a space.
    """
    if not strength:
        return text
    parts = []
    for part in re.split(r"(\s+)", text):
        if part.isspace():
            parts.append("" if rng.random() < strength / 3 else part)
        else:
            parts.append(_divided(signs_of(part), strength, rng))
    return _unless_blank("".join(parts), text)


def _divided(signs: list[str], strength: float, rng: np.random.Generator) -> str:
    cased = any(sign.lower() != sign.upper() for sign in signs)
    size = len(signs) if cased else _SHORTEST
    found = ""
    for start in range(0, len(signs), size or 1):
        word = signs[start : start + size]
        if len(word) >= _SHORTEST and rng.random() < strength:
            place = int(rng.integers(2, len(word) - 1))
            word.insert(place, _BREAKS[rng.integers(len(_BREAKS))] if cased else " ")
        found += "".join(word)
    return found


def _unless_blank(new: str, text: str) -> str:
    return text if is_blank(new) else new


FAULTS: dict[str, Fault] = {
    "ocr": ocr, "case": change_case, "truncation": truncate, "header": glue_header,
    "hyphenation": break_words,
}  # fmt: skip
