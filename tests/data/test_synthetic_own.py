"""Wrong titles made from a person's own good ones."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from titlekit.core.data.titles import cuts
from titlekit.core.data.titles.damage import damaged
from titlekit.core.data.titles.good import count_rows, read_good
from titlekit.core.data.titles.maker import key, make_rows
from titlekit.core.errors import DataError, UsageError

GOOD = [
    "On the Semantics of Small Languages",
    "Frost: A Fast Parser for Streams of Events",
    "Why do proofs break?",
    "LAND REFORM AND RURAL DEBT IN CHILE",
    "The Łukasiewicz Logic of Partial Knowledge",
    "Indexing Moving Objects with Adaptive Grids",
    "Emotion regulation in early childhood: Evidence from two Swedish cities",
    "Einführung in die Theorie der Graphen",
]


@pytest.fixture(scope="module")
def made():
    return list(make_rows(16, 5, GOOD))


def test_each_good_title_is_one_correct_row_as_it_stands(made):
    assert sorted(row.title for row in made if row.label == "correct") == sorted(GOOD)
    assert [row for row in made if (row.label == "correct") != (row.kind == "correct")] == []


def test_the_same_titles_and_seed_give_the_same_rows_everywhere(made):
    digest = hashlib.sha256(json.dumps(made).encode()).hexdigest()
    assert digest == "7d1af2e0d6c9acdd5a9e629c5004966ee11647042a6f00b91575684d632601b7"
    assert made == list(make_rows(16, 5, GOOD)) != list(make_rows(16, 6, GOOD))


def test_fewer_rows_take_some_of_the_titles():
    rows = list(make_rows(6, 1, GOOD))
    assert len({row.title for row in rows if row.label == "correct"} & {*GOOD}) == 3


def test_no_wrong_row_is_a_good_title():
    names = ("Trees in Theory", "A History of Maps", "Rings and Fields")
    good = [f"{name} {number}" for number in range(40) for name in names]
    known = {key(title) for title in good}
    rows = list(make_rows(240, 2, good))
    wrong = [row for row in rows if row.label == "wrong"]
    assert len(wrong) == 120
    assert [row for row in wrong if key(row.title) in known] == []
    assert len({key(row.title) for row in wrong}) > 115


def test_wrong_rows_are_made_from_the_titles(made):
    words = {word.lower() for title in GOOD for word in title.split()}
    shared = [
        row for row in made
        if row.label == "wrong" and words & {word.lower() for word in row.title.split()}
    ]  # fmt: skip
    assert len(shared) >= 5


@pytest.mark.parametrize("title", ["Introduction", "x", "深度学习综述", "?", "a b"])
def test_one_title_is_enough(title):
    for seed in range(30):
        correct, wrong = sorted(make_rows(2, seed, [title]))
        assert {correct.label, wrong.label} == {"correct", "wrong"}
        texts = {row.label: row.title for row in (correct, wrong)}
        assert texts["correct"] == title
        assert texts["wrong"].strip()
        assert key(texts["wrong"]) != key(title)


def test_titles_without_spaces_or_latin_letters_survive():
    good = ["基于深度学习的图像分割方法综述", "数据库系统的查询优化", "知识图谱的构建与应用研究",
            "Об одной задаче теории графов", "نظرية البيان والشبكات العصبية"]  # fmt: skip
    rows = list(make_rows(10, 3, good))
    assert sorted(row.title for row in rows if row.label == "correct") == sorted(good)
    wrong = " ".join(row.title for row in rows if row.label == "wrong")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in wrong)
    assert [row for row in rows if not row.title.strip()] == []


def test_cuts_leave_less_and_damage_leaves_something_else():
    title = "Frost: A Fast Parser for Streams of Events in Sparse Networks"
    for seed in range(60):
        rng = random.Random(seed)
        for cut in (cuts.front, cuts.left_open, cuts.broken, cuts.back, cuts.back_open, cuts.middle,
                    cuts.single, cuts.main_part, cuts.without_first, cuts.subtitle):  # fmt: skip
            piece = cut(title, rng)
            assert 0 < len(piece) < len(title), cut
        assert title.startswith(cuts.front(title, rng))
        assert title.endswith(cuts.back(title, rng))
        assert cuts.left_open(title, rng).split()[-1] in ("A", "for", "of", "in")
        assert cuts.trailing(title, rng).endswith(("...", ". . .", "…"))
        assert damaged(title, rng) != title
    assert cuts.main_part(title, rng) == "Frost: A Fast Parser for Streams of Events"
    assert cuts.subtitle(title, rng) == "A Fast Parser for Streams of Events in Sparse Networks"
    assert cuts.crossed("The Theory of Rings in Logic", "A History of Maps and Roads", rng) == (
        "The Theory of Maps and Roads"
    )


def test_blank_lines_and_repetitions_are_left_out(tmp_path, caplog):
    path = tmp_path / "good.txt"
    path.write_text("A Theory of Maps\n\n  \na theory of maps!\nRings and Fields\n", "utf-8")
    caplog.set_level("INFO", "titlekit")
    good = read_good([str(path)])
    assert good.titles == ["A Theory of Maps", "Rings and Fields"]
    assert (good.blank, good.repeated) == (2, 1)
    assert caplog.messages == [
        f"{path}: 2 titles; left out: 2 blank, 1 that repeat another but for case and punctuation"
    ]


def test_good_titles_come_from_tables_too(tmp_path):
    table = tmp_path / "papers.csv"
    table.write_text('id,title\n1,"Maps, Roads and Rivers"\n2,Rings\n', "utf-8")
    plain = tmp_path / "more.txt"
    plain.write_text("Rings\nFields\n", "utf-8")
    good = read_good([str(table), str(plain)])
    assert good.titles == ["Maps, Roads and Rivers", "Rings", "Fields"]
    assert good.repeated == 1
    other = tmp_path / "names.csv"
    other.write_text("id,name,year\n1,Rings,1999\n", "utf-8")
    assert read_good([str(other)], text_column="name").titles == ["Rings"]


def test_what_cannot_be_made_is_refused(tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n", "utf-8")
    with pytest.raises(DataError) as caught:
        read_good([str(empty)])
    assert str(caught.value) == f"{empty}: no title (2 are blank); expected good titles, one a row"
    path = tmp_path / "good.txt"
    path.write_text("\n".join(GOOD), "utf-8")
    good = read_good([str(path)])
    assert count_rows(None, good) == 16
    assert count_rows(10, good) == 10
    with pytest.raises(UsageError) as caught:
        count_rows(17, good)
    assert str(caught.value) == (
        f"--rows 17: {path} has 8 different titles, each a correct row once with a wrong one "
        "beside it; expected at most 16"
    )
    with pytest.raises(UsageError) as caught:
        count_rows(None, None)
    assert str(caught.value) == "--rows: how many? without --from any number can be made"
