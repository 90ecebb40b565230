"""Extracted titles against a catalogue's: what extraction may change never counts against them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit.core.data.columns import is_blank
from titlekit.core.data.match import Rules, compare, judge, letters
from titlekit.core.data.match_tables import clean_key
from titlekit.core.data.synthetic import make_titles

RULES = Rules()
relaxed = settings(deadline=None, max_examples=40)
GOOD = [title for title, label in zip(*make_titles(400, 1), strict=True) if label == "correct"]

SAME = [
    ("A SURVEY OF GRAPH KERNELS", "A survey of graph kernels"),
    ("A Survey of Graph Kernels", "A Survey of Graph Kernels."),
    ("A Survey [of Graph Kernels]", "A Survey, of (Graph) Kernels"),
    ("Support-vector machines", "Support Vector Machines"),
    ("On multi- processing", "On Multiprocessing"),
    ("On multi\u00ad\nprocessing", "On Multiprocessing"),
    ("Eﬃcient ﬂow of ﬁles", "Efficient Flow of Files"),
    ("Poincare maps", "Poincaré Maps"),
    ("Poincar´e maps", "Poincaré Maps"),
    ("Lukasiewicz logic", "Łukasiewicz Logic"),
    ("R&D at AT&T", "R&amp;D at AT&amp;amp;T"),
    ("Search and Rescue", "Search & Rescue"),
    ("Growth of Drosophila in CO2", "Growth of <i>Drosophila</i> in CO<sub>2</sub>"),
    ("A  Theory\tof\u00a0Programs", "A Theory of Programs"),
    ("A Theory of Programs *†", "A Theory of Programs"),
    ("A Theory of Programs¹ ∗", "A Theory of Programs"),
    ("A Theory of Programs¹²", "A Theory of Programs"),
    ("The Zeros of x²", "The zeros of x²"),
    ("The Title of a Product", "The Title™ of a Product"),
    ("“Smart” quotes – and dashes", '"Smart" quotes - and dashes'),
    ("深度 学习综述", "深度学习综述。"),
    ("∫", "∫"),
]


@pytest.mark.parametrize(("extracted", "title"), SAME)
def test_what_extraction_changes_leaves_a_title_correct(extracted, title):
    verdict = judge(extracted, [title], RULES)
    assert (verdict.label, verdict.distance, verdict.title) == ("correct", 0, title)


@pytest.mark.parametrize(
    ("extracted", "title", "reason"),
    [
        ("John Tukey at Bell Labs.", "John Tukey at Bell Labs", "ending"),
        ("A Theory of Graphs:", "A Theory of Graphs", "ending"),
        ("Mining with GRIDS ?", "Mining with grids", "ending"),
        ("Are graphs trees", "Are graphs trees?", "ending"),
        ("Vortices in the air flow of bats", "Vortices in the airflow of bats", "spaces"),
        ("The Design ofReal-Time Systems", "The Design of Real-Time Systems", "spaces"),
        ("Methods of &quot;State&quot;", 'Methods of "State"', "HTML"),
        ("Growth of CO<sub>2</sub>", "Growth of CO2", "HTML"),
    ],
)
def test_the_same_letters_with_a_flaw_are_unsure(extracted, title, reason):
    verdict = judge(extracted, [title], RULES)
    assert (verdict.label, verdict.distance, verdict.reason) == ("unsure", 0, reason)
    assert judge(extracted, [title, extracted], RULES).label == "correct"


@pytest.mark.parametrize(
    ("extracted", "label", "reason"),
    [
        ("Semantic Tagging for Domain-Speci c Learning", "unsure", "near"),
        ("A Survey of Graph Kernels and Their Uses in Programming 1", "unsure", "near"),
        ("A Survey of Graph Kernels", "unsure", "subtitle"),
        ("A Survey of Graph Kernels and Their Uses in Programming: A View", "unsure", "subtitle"),
        ("Table of Contents", "wrong", ""),
        ("Abstract", "wrong", ""),
        ("A Survey of", "wrong", ""),
        ("J. Smith, P. Jones A Survey of Graph Kernels and Their Uses in Programming", "wrong", ""),
        ("", "wrong", "blank"),
        ("\u200b \x0c", "wrong", "blank"),
        ("?", "wrong", ""),
    ],
)
def test_other_differences_are_wrong_or_unsure(extracted, label, reason):
    titles = {
        "Semantic": "Semantic Tagging for Domain-Specific Learning",
        "A Survey of Graph Kernels": "A Survey of Graph Kernels: Theory and Practice",
    }
    title = titles.get(extracted.split(" Tag")[0], titles.get(extracted))
    title = title or "A Survey of Graph Kernels and Their Uses in Programming"
    verdict = judge(extracted, [title], RULES)
    assert (verdict.label, verdict.reason) == (label, reason)


def near(extracted, title):
    return compare(extracted, title)[0]


def test_the_distance_is_the_share_of_letters_that_differ():
    assert near("Graph", "graf") == pytest.approx(2 / 5)
    assert near("On graphs", "On trees") == pytest.approx(4 / 8)
    assert near("abc", "xyz") == 1
    assert near("A title", "") == 1
    assert near("a" * 20_000, "a" * 20_001) == 1
    assert letters("Über-Straße, 2.") == "uberstrasse2"


def test_thresholds_and_subtitles_are_the_callers_choice():
    short = ("A Theory of Graphs", ["A Theory of Graphs: With Examples"])
    assert judge(*short, Rules(subtitle="correct")).label == "correct"
    assert judge(*short, Rules(subtitle="wrong")).label == "wrong"
    near = ("A Theory of Graps", ["A Theory of Graphs"])
    assert judge(*near, RULES).label == "unsure"
    assert judge(*near, Rules(correct=0.1, wrong=0.5)).label == "correct"
    assert judge(*near, Rules(correct=0, wrong=0.01)).label == "wrong"


def test_the_nearest_title_of_a_key_counts():
    titles = ["Something Else", "", "A theory of graphs", "A Theory of Trees"]
    assert judge("A Theory of Graphs", titles, RULES).title == "A theory of graphs"
    verdict = judge("A Theory of Graphs", ["", " "], RULES)
    assert (verdict.label, verdict.distance, verdict.reason) == (
        "unsure", None, "no title in the catalogue",
    )  # fmt: skip
    assert judge("On C", ["+"], RULES).reason == "no letters in the catalogue's title"


# Properties


def changed(draw, title):
    """The title with the case, line ends, ligatures, spaces and notes of a page."""
    parts = []
    for place, sign in enumerate(title):
        kind = draw(st.integers(0, 11))
        inside = place and title[place - 1].isalpha() and sign.isalpha()
        if kind == 0 and inside:
            parts.append(draw(st.sampled_from(["-", "- ", "-\n", "\u00ad"])))
        if kind == 1 and sign == " ":
            parts.append(draw(st.sampled_from([" ", "\n", "\t", "\u00a0"])))
        parts.append(sign.upper() if kind == 2 else sign.lower() if kind == 3 else sign)
    text = "".join(parts) + draw(st.sampled_from(["", "*", " †", "¹", "²,³"]))
    for plain, ligature in (("ffi", "ﬃ"), ("fi", "ﬁ"), ("fl", "ﬂ"), ("ff", "ﬀ")):
        if draw(st.booleans()):
            text = text.replace(plain, ligature)
    return unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), text)


def punctuated(draw, title):
    """Any text with signs added and taken away."""
    signs = st.sampled_from([" ", "-", "- ", "\n", "\u00ad", ",", ".", "'", "’", "*", "†", ": "])
    parts = []
    for sign in title:
        kind = draw(st.integers(0, 5))
        # A letter and its mark stay together.
        if kind == 0 and not unicodedata.combining(sign):
            parts.append(draw(signs))
        if kind == 1 and not letters(sign) and not unicodedata.category(sign).startswith("M"):
            continue
        parts.append(sign)
    return "".join(parts)


@relaxed
@given(st.data())
def test_a_page_never_makes_a_right_title_less_than_correct(data):
    title = data.draw(st.sampled_from(GOOD))
    assert judge(changed(data.draw, title), [title], RULES).label == "correct"


@relaxed
@given(st.data(), st.text(max_size=40))
def test_other_punctuation_is_never_wrong(data, title):
    text = punctuated(data.draw, title)
    if not is_blank(text):
        assert judge(text, [title], RULES).label != "wrong"


@relaxed
@given(st.text(max_size=30), st.text(max_size=30))
def test_a_distance_is_from_0_to_1(one, other):
    assert 0 <= near(one, other) <= 1
    assert near(one, one) == 0


# Keys


@pytest.mark.parametrize(
    "text",
    [
        "10.1000/ABC",
        " 10.1000/abc\n",
        "https://doi.org/10.1000/abc",
        "http://dx.doi.org/10.1000/Abc",
        "doi.org/10.1000/abc",
        "doi:10.1000/abc",
        "DOI 10.1000/abc",
        "https://doi.org/10.1000%2Fabc",
    ],
)
def test_a_doi_is_one_key_in_every_spelling(text):
    assert clean_key(text) == "10.1000/abc"


def test_other_keys_lose_case_and_outer_spaces_alone():
    assert clean_key(" AB c/1 ") == "ab c/1"
    assert clean_key("10.1.1.211.3354.txt") == "10.1.1.211.3354.txt"
    assert clean_key("10.1000%2Fabc") == "10.1000%2fabc"
    assert clean_key("\u200b ") == ""
