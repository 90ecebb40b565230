"""Damaged texts: what is told from sound ones, what is mended, and what is left alone."""

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit.core.config import TrainConfig
from titlekit.core.data.load import load_labelled, load_training
from titlekit.core.data.repair import (  # fmt: skip
    CONTROLS,
    ENTITIES,
    GBK,
    KINDS,
    LOST,
    UTF8,
    kinds_of_damage,
    mend,
)
from titlekit.core.errors import DataError


def as_big5(text):
    """Return a text as it looks when its GBK bytes are read as Big5."""
    return text.encode("gbk").decode("big5")


SOUND_IN_GBK = [
    "Moore’s Law Revisited",
    "TCP’s Congestion Window",
    "You’ve Been Warned: Users’ views",
    "D’Alembert and l’Hôpital"[:12],
    "The ‘hidden’ cost of “open” access",
    "In press,” Theory of Computing",
    "Chapter 7, “Indexing Moving Objects",
    "Journal of Logic 29:335–341",
    "Evaluate – A Service for Learning",
    "Isabelle — combining interfaces",
    "NOW YOU SEE IT … NOW YOU DON’T",
    "Théorie des graphes à Paris",
    "Büchi Automata",
    "Università di Bologna",
    "An α-stable law and the λProlog machine",
    "Workshop CSDUML’04 Report",
    "A 3×3 grid",
]


@pytest.mark.parametrize("text", SOUND_IN_GBK)
def test_gbk_that_was_read_as_big5_is_mended(text):
    damaged = as_big5(text)
    assert damaged != text
    assert kinds_of_damage(damaged) == (GBK,)
    assert mend(damaged) == text
    assert kinds_of_damage(text) == ()
    assert mend(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "The semantics of 每 in Mandarin Chinese",
        "On the Chinese character 谷 and its readings",
        "A study of 每 in early texts",
        "基于深度学习的每日新闻分类 based on CNN",
        "每天学习：a diary",
        "数据库 B＋树 的实现§3",
        "X線による肺がんの診断 ※第2報",
        "農村の谷と山の研究：case study",
        "See § 230 of the Act, §4.2 and §§ 3–5",
        "John Smith§, Jane Doe† and Kim※",
        "※ Corresponding author",
        "Effects in ♀ and ♂ mice",
        "AT＆T, R＆D and Q＆A in C＃",
        "Ａ＋Ｂ＝Ｃ: fullwidth ＃1",
        "℅ Department of Physics",
        "〝Quoted〞 words",
        "Naïve Bayes’s “Größe” – élan — 3×3 λ-calculus",
        "中文 English 谷歌 Google",
        "谷歌のスマートフォンtest",
        "ＡＣＭ＊ＩＥＥＥ",
        "Отчёт о работе: théorie",
        "Ελληνικά 每",
        "政府",
        "",
    ],
)
def test_sound_texts_are_left_alone(text):
    assert kinds_of_damage(text) == ()
    assert mend(text) == text


def test_a_text_that_was_not_read_as_a_whole_changes_where_it_is_sure():
    # é is not in Big5, so that ∞ was not read in it.
    assert mend("Poincaré＊s spaces with ∞ points") == "Poincaré’s spaces with ∞ points"
    assert mend("Moore＊s law ﹢ one") == "Moore’s law ∞ one"
    assert mend("Moore＊s � law") == "Moore’s � law"
    assert kinds_of_damage("Moore＊s � law") == (GBK, LOST)


@pytest.mark.parametrize(
    ("damaged", "text", "kinds"),
    [
        ("GÃ¶delâ€™s proof", "Gödel’s proof", (UTF8,)),
        ("Erdős and GÃ¶del", "Erdős and Gödel", (UTF8,)),
        ("Sch\u00c3\u00b6n \u00e2\u0080\u0093 x", "Schön – x", (UTF8, CONTROLS)),
        ("R&amp;D &amp;lt; &eacute;t&eacute;", "R&D < été", (ENTITIES,)),
        ("AT&T &notanentity; Q&A;", "AT&T &notanentity; Q&A;", ()),
        ("a\x0bb\x00c\x7f\ufeffd\x1fe", "a bcd e", (CONTROLS,)),
        ("It\u0092s", "It’s", (CONTROLS,)),
        ("tab\there\nand there", "tab\there\nand there", ()),
        ("lost � here", "lost � here", (LOST,)),
        ("M&uuml;ller＊s", "Müller’s", (GBK, ENTITIES)),
    ],
)
def test_other_damage(damaged, text, kinds):
    assert mend(damaged) == text
    assert kinds_of_damage(damaged) == kinds
    assert set(kinds) <= set(KINDS)


SIGNS = st.one_of(
    st.sampled_from("＊每〞§※＆谷邦灰＃﹞♀&;#x39aÃâ€™\x85\x92\x00\ufeff�"),
    st.sampled_from("abs A1(-)., "),
    st.characters(exclude_categories=["Cs"]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.text(SIGNS, max_size=30))
def test_what_is_mended_stays(text):
    once = mend(text)
    assert mend(once) == once
    assert set(kinds_of_damage(once)) <= {LOST}


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20, exclude_characters="&")))
def test_plain_ascii_is_never_damaged(text):
    assert (kinds_of_damage(text), mend(text)) == ((), text)


# In files


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(**options):
    return load_training(TrainConfig(valid="0", **options)).train.texts


def test_damage_is_reported_and_mended_on_demand(place, caplog):
    lines = [
        "Moore＊s Law,1",
        "R&amp;D,0",
        "Sound,1",
        "Graph 每 Games,0",
        "Is � lost,1",
        "&nbsp;,0",
    ]
    (place / "a.csv").write_text("title,label\n" + "\n".join(lines), "utf-8")
    assert train(train=["a.csv"])[:2] == ["Moore＊s Law", "R&amp;D"]
    assert caplog.messages[:2] == [
        "a.csv: 4 texts are damaged (GBK read as Big5 in 2, HTML entities in 2), e.g. a.csv:2: "
        "'Moore＊s Law'; --fix-text mends what is sure",
        "a.csv: 1 text holds a replacement character, e.g. a.csv:6: 'Is � lost'; what stood there "
        "is lost, read the source again",
    ]
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert train(train=["a.csv"], fix_text=True) == [
            "Moore’s Law", "R&D", "Sound", "Graph – Games", "Is � lost",
        ]  # fmt: skip
    assert caplog.messages[0] == (
        "a.csv: 4 texts are mended (GBK read as Big5 in 2, HTML entities in 2)"
    )
    assert "a.csv: 1 blank text skipped" in caplog.messages
    with pytest.raises(DataError, match=r"^a\.csv:7: column 'title': blank text"):
        train(train=["a.csv"], fix_text=True, blank="error")


def test_folders_pairs_and_test_rows_are_mended_too(place, caplog):
    (place / "d").mkdir()
    (place / "d" / "positive.txt").write_text("Moore＊s Law\nB邦chi\n", "utf-8")
    (place / "d" / "negative.txt").write_text("Abstract\nIn press,§ Theory\n", "utf-8")
    assert train(train=["d"], fix_text=True) == [
        "Moore’s Law", "Büchi", "Abstract", "In press,” Theory",
    ]  # fmt: skip
    assert load_labelled("d", ["wrong", "correct"]).texts[0] == "Moore＊s Law"
    assert load_labelled("d", ["wrong", "correct"], fix_text=True).texts[0] == "Moore’s Law"
    rows = "title,more,label\n" + "A,Moore＊s,1\nB,C,0\n" * 2
    (place / "p.csv").write_text(rows, "utf-8")
    data = load_training(
        TrainConfig(train=["p.csv"], text_pair_column="more", fix_text=True, valid="0")
    )
    assert data.train.pairs[0] == "Moore’s"
