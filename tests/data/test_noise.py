"""Seeded faults of reading: what they do, how often, and that scripts without spaces take them."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from titlekit.core.data.columns import is_blank
from titlekit.core.data.noise import (
    FAULTS,
    READINGS,
    break_words,
    change_case,
    glue_header,
    ocr,
    signs_of,
    truncate,
)

TITLES = [
    "Efficient Processing of Information in Modern Classification Systems",
    "A NOTE ON 1001 QUEUES",
    "Über naïve Café-Theorien für Anfänger",
    "深度学习中的文本分类方法研究与应用",
    "シンプルなカタカナとひらがなの論文",
    "การเรียนรู้ของเครื่องเชิงลึก",
    "한국어 논문 제목의 자동 분류",
    "x",
    "\u200b a",
]
STRENGTHS = [0.01, 0.1, 0.5, 1.0]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def many(fault, text: str, strength: float, times: int = 400) -> list[str]:
    stream = rng()
    return [fault(text, strength, stream) for _ in range(times)]


@pytest.mark.parametrize("name", FAULTS)
def test_without_strength_a_text_is_itself(name):
    for text in ["", "  ", " two  spaces\t here ", *TITLES]:
        assert FAULTS[name](text, 0.0, rng()) == text


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_fault_depends_on_its_stream_alone_and_never_leaves_a_blank(name, strength):
    for text in TITLES:
        found = [many(FAULTS[name], text, strength, 20) for _ in range(2)]
        assert found[0] == found[1]
        assert not any(is_blank(one) for one in found[0])


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "case"])
def test_every_script_is_damaged(name):
    for text in TITLES[:7]:
        assert any(one != text for one in many(FAULTS[name], text, 0.5, 20)), text


@pytest.mark.parametrize("name", FAULTS)
def test_marks_stay_on_their_letters(name):
    """A Thai vowel or tone stands on a consonant, as an accent written apart does."""
    for text in ("การเรียนรู้ของเครื่องเชิงลึก", "e\u0301te\u0301 a\u0300 la mer"):
        for one in many(FAULTS[name], text, 0.4, 40):
            first = [sign for sign in signs_of(one) if unicodedata.category(sign[0])[0] == "M"]
            assert first == []


# Misreading


def test_signs_are_taken_for_what_looks_like_them():
    assert {"m", "rn"} <= {*READINGS["rn"], *READINGS["m"]}
    seen = set(many(ocr, "m", 1.0))
    assert seen >= {"rn", "nn", "mm", "m "}
    assert {"0", "o0", "D", "Q"} & set(many(ocr, "O", 1.0))
    assert set(many(ocr, "cl", 1.0)) >= {"d"}
    assert {"已", "己已"} & set(many(ocr, "己", 1.0))


def test_ligatures_are_lost_or_left_as_one_sign():
    seen = set(many(ocr, "ffi", 1.0))
    assert "\ufb03" in seen
    assert set(many(ocr, "field", 0.1)) >= {"eld", " eld", "\ufb01eld"}


def test_accents_are_lost_or_stand_beside_their_letter():
    for text in ("é", "e\u0301"):
        assert set(many(ocr, text, 1.0)) >= {"e", "´e"}


def test_as_many_characters_are_misread_as_asked():
    text = "x" * 100
    assert "x" not in READINGS
    # Of what looks like nothing a third is dropped, a third doubled, a third followed by a space.
    found = many(ocr, text, 0.06, 300)
    spaces = sum(one.count(" ") for one in found) / 300
    lengths = np.mean([len(one) for one in found])
    assert abs(spaces - 2) < 0.3
    assert abs(lengths - 102) < 0.5


def test_spaces_are_lost():
    assert "ab" in many(ocr, "a b", 0.3)


# Case


def test_case_changes_word_by_word_and_nothing_else():
    text = TITLES[0]
    assert set(many(change_case, text, 1.0)) == {text.upper(), text.lower(), text.title()}
    found = many(change_case, text, 0.5)
    assert all(one.lower() == text.lower() for one in found)
    words = np.mean([sum(a.isupper() for a in one.split()) for one in found])
    assert 0 < words < 8
    assert set(many(change_case, "深度学习 2020", 1.0)) == {"深度学习 2020"}


# Truncation


def test_a_share_is_cut_off_either_end():
    assert set(many(truncate, "abcdefghij", 0.3)) == {"abcdefg", "defghij"}
    assert set(many(truncate, "abcdefghij", 0.01)) == {"abcdefghi", "bcdefghij"}
    assert set(many(truncate, "abc", 1.0)) == {"a", "c"}
    assert set(many(truncate, "x", 1.0)) == {"x"}
    assert set(many(truncate, "a ", 0.5)) == {"a", "a "}


# Headers


def test_a_header_is_as_long_as_asked_and_leaves_the_text_whole():
    text = TITLES[0]
    for strength in STRENGTHS:
        for one in many(glue_header, text, strength, 60):
            assert text in one
            glued = len(one.replace(text, ""))
            assert strength * len(text) <= glued < strength * len(text) + 40
    ends = {one.startswith(text) for one in many(glue_header, text, 0.01)}
    assert ends == {True, False}


@pytest.mark.parametrize(
    ("text", "sign"),
    [("深度学习研究", "第"), ("ひらがなの題", "号"), ("การเรียนรู้", "ที่"), ("A title", "Vol. ")],
)
def test_a_header_is_in_the_script_of_the_text(text, sign):
    assert any(sign in one.replace(text, "") for one in many(glue_header, text, 0.01, 40))


# Line ends


def test_long_words_are_divided_as_at_a_line_end():
    found = set(many(break_words, "processing it", 1.0))
    assert {one.replace("it", "").strip() for one in found} >= {
        "process- ing", "process-ing", "process ing", "pr- ocessing",
    }  # fmt: skip
    joined = np.mean([one.count(" ") == 0 for one in many(break_words, "a b", 0.9, 2000)])
    assert abs(joined - 0.3) < 0.04
    assert set(many(break_words, "short words stay whole", 0.0)) == {"short words stay whole"}
    assert {one.replace(" ", "") for one in many(break_words, "short words", 1.0)} == {"shortwords"}


def test_scripts_without_spaces_are_divided_by_spaces():
    found = set(many(break_words, "深度学习中的文本分类方法研究与应用", 0.5))
    assert {one.replace(" ", "") for one in found} == {"深度学习中的文本分类方法研究与应用"}
    assert max(one.count(" ") for one in found) == 2
