"""GBK bytes that were read as Big5, in texts of Latin letters: "Th谷orie", "Moore＊s", "1每7".

Each of GBK's two-byte signs became another single sign. Of the signs that such texts hold, Big5
has rows for GBK's punctuation (A1), its Greek (A6) and its pinyin letters and dashes (A8).
"""

from __future__ import annotations

import functools
import re

_L = "A-Za-zÀ-ɏ"
_NOT_AFTER = "".join(rf"(?<!\b{word} )" for word in ("of", "the", "in", "for", "and", "on", "a"))

# Where a sign cannot be what its writer meant. ACCENT and GREEK: Chinese characters that stand
# for a letter. One hit is enough: the whole text went through the same wrong reading.
_SURE = (
    rf"(?<=[{_L}])＊(?=(?:s|S|t|d|m|re|ve|ll)\b)",  # an apostrophe: inside a word, before a year
    r"(?<=[a-z]s)＊(?= [a-z]{3})",
    rf"(?<=\b[DLOdlo])＊(?=[{_L}]{{2}})",
    rf"(?<=\s)＊(?=\d\d\b)|(?<=[{_L}]{{3}})＊(?=(?:19|20)?\d\d\b)",
    rf"＆[{_L}0-9][^＆＊]*[{_L}0-9.,?!]＊",  # quotes: a pair, one that opens, one that closes
    rf"※\s?[{_L}0-9][^※§]*§",
    rf"(?<=[\s(:.,;)])※(?=[{_L}0-9])",
    rf"(?<=[,.;?!])§(?=\s?[{_L}(]|\s*$)",
    rf"(?<=[{_L}0-9)])[每〞](?=[{_L}0-9(])",  # dashes
    rf"(?<=[{_L}0-9)?] )〞(?= [{_L}0-9(])",
    rf"(?<=[{_L}0-9)?] ){_NOT_AFTER}每(?= [{_L}0-9(])",
    r"(?<=\bc )♀|(?<=\bc)♀",  # ©, as typesetting gives it: c in a circle
    rf"(?<=[{_L}] )﹞(?= ?[{_L}])|(?<=[{_L}])﹞(?=[{_L}])",
    rf"(?<=[{_L}] )＃(?= [{_L}])|(?<=\.)＃(?!\d)",
    r"(?<=\d)℅(?=\d)|(?<=\d )℅(?= \d)|(?<=\d)㊣(?=\d)",
    rf"(?<=[a-z]{{2}})ACCENT|(?<=[a-z])ACCENT(?=[{_L}])|ACCENT(?=[a-z]{{2}})",
    rf"GREEK(?=-[{_L}]{{2}}|\([a-z]|[A-Z]?[a-z]{{2}})|(?<=[{_L}]-)GREEK(?![{_L}])",
)
# Chinese characters that stand together are words; one alone is quoted where these are spoken of.
_HAN = "\u3400-\u9fff\uf900-\ufaff"
_WORDS = re.compile(rf"[{_HAN}]{{2}}")
_ABOUT = re.compile(
    rf"^(?=.*[{_HAN}]).*\b(?:chin|mandarin|cantonese|taiwan|japan|korea|kanji|kana|hanzi|hanja|sini|"
    r"sino|logogra|ideogra|character|glyph|radical|quantifier|particle|unicode|confuci|dao|tao)",
    re.IGNORECASE | re.DOTALL,
)
_ASIAN = re.compile(r"[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]")


def from_big5(text: str) -> str:
    """Return a text with its GBK signs read as GBK, where it is sure that they were not.

    Sure is a place where the sign can mean nothing else, in a text whose other signs are Latin.
    A text with signs that Big5 has not was not read as Big5 as a whole: there only the sure
    places change.
    """
    if text.isascii():
        return text
    signs, sure = _signs(), _sure()
    if sure.search(text) is None or _WORDS.search(text) or _ABOUT.search(text):
        return text
    others = "".join(sign for sign in text if not sign.isascii() and ord(sign) not in signs)
    if _ASIAN.search(others):
        return text
    if others.strip("\ufffd"):
        return sure.sub(lambda found: found[0].translate(signs), text)
    return text.translate(signs)


@functools.cache
def _signs() -> dict[int, str]:
    """Return what the signs of a wrongly read text were, by their numbers, for str.translate."""
    found = {}
    for lead, first in ((0xA1, 0xA1), (0xA6, 0xA1), (0xA8, 0x40)):
        for trail in range(first, 0xFF):
            code = bytes((lead, trail))
            wrong, right = code.decode("big5", "ignore"), code.decode("gbk", "ignore")
            # Signs of Chinese typesetting stand in no Latin text, and curly quotes are no damage.
            if len(wrong) == len(right) == 1 and right < "\u2500" and wrong not in "‘’“”":
                found[ord(wrong)] = right
    return found


@functools.cache
def _sure() -> re.Pattern[str]:
    pattern, sets = "|".join(_SURE), {"ACCENT": "", "GREEK": ""}
    for wrong, right in _signs().items():
        if right.isalpha() and re.match(f"[{_HAN}]", chr(wrong)):
            sets["GREEK" if "Α" <= right <= "ω" else "ACCENT"] += chr(wrong)
    for name, letters in sets.items():
        pattern = pattern.replace(name, f"[{letters}]")
    return re.compile(pattern)
