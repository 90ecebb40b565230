"""Each finding of a data report: planted alone, told in its words, with all of its rows."""

from __future__ import annotations

import json
import random
import string

import numpy as np
import pytest

import titlekit
from titlekit.core.data.report.classes import balanced_weights
from titlekit.core.errors import DataError, UsageError
from titlekit.plugins.weighted_ce import class_weights

RNG = random.Random(7)
TEXTS = [
    " ".join("".join(RNG.choices(string.ascii_lowercase, k=RNG.randint(4, 9))) for _ in range(5))
    for _ in range(400)
]


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rows(count=60, start=0, labels=("a", "b")):
    """Sound rows: distinct texts, the labels in turn."""
    return [(TEXTS[n], labels[n % len(labels)]) for n in range(start, start + count)]


def write(some, name="t.csv"):
    with open(name, "w", encoding="utf-8", newline="") as stream:
        stream.write("title,label\n")
        for text, label in some:
            quoted = text.replace('"', '""')
            stream.write(f'"{quoted}",{label}\n')
    return name


def check(train, **options):
    """The findings, without the note that tokens are not counted where no model is named."""
    report = titlekit.check(train=train, **{"model": "tfidf-lr", **options})
    return [one for one in report.findings if one.kind != "no-tokens"]


def only(train, **options):
    findings = check(train, **options)
    assert [one.kind for one in findings] == [findings[0].kind], findings
    return findings[0]


def lines(finding):
    return [(row["split"], row["file"], row["line"]) for row in finding.rows]


def others(finding):
    return [(row["line"], row["other"]["file"], row["other"]["line"]) for row in finding.rows]


def test_sound_data_gives_no_finding():
    assert check(write(rows())) == []
    assert check(write(rows()), model="tiny", time=False) == []


# Labels


def test_classes_that_no_training_takes_are_told_in_its_words():
    one = only(write(rows(labels="a")))
    assert (one.level, one.kind, one.split) == ("error", "not-trainable", "train")
    assert one.text == "t.csv: one class only, all 60 rows are 'a'; expected two or more"
    assert one.help == "titlekit train refuses this"
    found = check(write([*rows(), (TEXTS[90], "c")]))
    assert [one.kind for one in found] == ["not-trainable", "rare-class"]
    assert found[0].text == (
        "t.csv: class 'c' has 1 row with a text; expected 2 or more of each class"
    )


def test_a_label_that_the_training_rows_lack():
    write([*rows(20, 100), (TEXTS[200], "c"), (TEXTS[201], "d"), (TEXTS[202], "c")], "test.csv")
    one = only(write(rows()), test="test.csv")
    assert (one.level, one.kind, one.split) == ("error", "unknown-label", "test")
    assert one.text == "3 rows bear a label that the training rows lack: c, d"
    assert one.help == "the labels are a, b; evaluate refuses any other"
    assert lines(one) == [("test", "test.csv", line) for line in (22, 23, 24)]
    assert one.examples[0] == f"test.csv:22 '{TEXTS[200]}' c"


def test_rare_and_uneven_classes():
    one = only(write([*rows(60), *rows(5, 100, "c")]))
    assert (one.level, one.kind) == ("warning", "rare-class")
    assert one.text == "1 class of fewer than 20 rows: c 5"
    one = only(write([*rows(60, 0, "a"), *rows(20, 100, "b")]))
    assert (one.level, one.kind) == ("note", "imbalance")
    assert one.text == "a has 3.0 rows for each of b"
    assert one.help == ("--plugins weighted-ce weighs the classes as the table of classes suggests")


def test_the_suggested_weights_are_those_of_weighted_ce():
    report = titlekit.check(train=write([*rows(60, 0, "aab"), *rows(30, 100, "c")]),
                            model="tfidf-lr")  # fmt: skip
    found = report.to_json()["splits"]["train"]["classes"]
    assert [(one["label"], one["rows"]) for one in found] == [("a", 40), ("b", 20), ("c", 30)]
    assert [one["share"] for one in found] == pytest.approx([4 / 9, 2 / 9, 3 / 9])
    assert [one["weight"] for one in found] == pytest.approx(
        class_weights("balanced", ["a", "b", "c"], [40, 20, 30])
    )


@pytest.mark.parametrize("counts", [[5, 7], [1, 0, 9], [3], [0, 0], [1, 10**9]])
def test_balanced_weights_of_any_counts(counts):
    weights = balanced_weights(np.array(counts))
    if sum(counts):
        names = [str(number) for number in range(len(counts))]
        assert weights.tolist() == pytest.approx(class_weights("balanced", names, counts))
        assert np.dot(weights, counts) == pytest.approx(sum(counts))


def test_classes_that_are_spread_otherwise():
    write(rows(240, 100, "aaab"), "test.csv")
    one = only(write(rows()), test="test.csv")
    assert (one.level, one.kind, one.split) == ("warning", "label-drift", "test")
    assert one.text == (
        "the classes are spread otherwise than in the training rows: a is 75.0 % here and 50.0 % "
        "there (chi-square test, p = 0.0002)"
    )
    assert one.help == (
        "accuracy and a fitted threshold depend on the shares; compare f1, mcc or roc_auc, or "
        "train on the shares that will be met"
    )


def test_drift_needs_both_chance_and_size():
    write(rows(8, 100, "aaab"), "few.csv")
    assert check(write(rows()), test="few.csv") == []
    report = titlekit.check(train="t.csv", test="few.csv", model="tfidf-lr")
    [row] = report.to_json()["drift"]
    # By hand: 30, 30 and 6, 2 of 68 rows; expected 31.76, 28.24 and 4.24, 3.76.
    expected = [30 - 60 * 36 / 68, 30 - 60 * 32 / 68, 6 - 8 * 36 / 68, 2 - 8 * 32 / 68]
    sizes = [60 * 36 / 68, 60 * 32 / 68, 8 * 36 / 68, 8 * 32 / 68]
    assert row["statistic"] == pytest.approx(
        sum(e**2 / s for e, s in zip(expected, sizes, strict=True))
    )
    assert (row["split"], row["degrees"], row["moved"]) == ("test", 1, 0.25)
    assert row["smallest_expected"] == pytest.approx(8 * 32 / 68)
    assert 0.1 < row["p"] < 0.3


def test_a_text_under_two_labels():
    text = TEXTS[0].upper() + "!"
    found = check(write([*rows(), (text, "b"), (text, "b")]))
    [one] = [one for one in found if one.kind == "two-labels"]
    assert (one.level, one.split) == ("warning", "train")
    assert one.text == "1 text bears more than one label (3 rows)"
    assert one.help == "decide which label is right and mend or drop the other rows"
    assert [(row["line"], row["label"], row["text_number"]) for row in one.rows] == [
        (2, "a", 1), (62, "b", 1), (63, "b", 1),
    ]  # fmt: skip
    assert one.examples == [f"'{TEXTS[0]}': t.csv:2 a, t.csv:62 b, t.csv:63 b"]


def test_a_text_under_another_label_in_another_split():
    write([*rows(20, 100), (TEXTS[0], "b")], "test.csv")
    found = check(write(rows()), test="test.csv")
    assert [(one.kind, one.split) for one in found] == [("exact-leak", "test"), ("two-labels", "")]
    assert found[1].text == (
        "1 text bears more than one label, one in one split and another in another (2 rows)"
    )
    assert lines(found[1]) == [("train", "t.csv", 2), ("test", "test.csv", 22)]


# Copies


def test_copies_within_the_training_rows_are_notes():
    near = TEXTS[5][:-1] + ("x" if TEXTS[5][-1] != "x" else "y")
    copies = [(TEXTS[3], "b"), (TEXTS[4].title() + " -", "a"), (near, "b"), (TEXTS[3], "b")]
    found = check(write([*rows(), *copies]))
    assert [(one.level, one.kind, one.split) for one in found] == [
        ("note", "exact-duplicates", "train"), ("note", "normalised-duplicates", "train"),
        ("note", "near-duplicates", "train"),
    ]  # fmt: skip
    exact, normalised, nearly = found
    assert exact.text == "2 rows have the text of an earlier row"
    assert others(exact) == [(62, "t.csv", 5), (65, "t.csv", 5)]
    assert exact.examples[0] == f"t.csv:62 '{TEXTS[3]}' b, as t.csv:5"
    assert normalised.text == "1 row has an earlier text but for case, punctuation and spaces"
    assert others(normalised) == [(63, "t.csv", 6)]
    assert nearly.text == "2 rows have a text much like another one's"
    assert others(nearly) == [(7, "t.csv", 64), (64, "t.csv", 7)]
    assert 0.8 <= nearly.rows[0]["similarity"] == nearly.rows[1]["similarity"] < 1
    assert exact.help == "each is trained on; --valid SHARE keeps them on one side of the split"
    assert nearly.help.startswith("--valid SHARE may put the two on both sides")


def test_rows_of_the_test_set_that_were_trained_on():
    near = TEXTS[9][:-1] + ("x" if TEXTS[9][-1] != "x" else "y")
    write([*rows(20, 100), (TEXTS[7], "b"), (TEXTS[8].upper(), "a"), (near, "b")], "test.csv")
    found = check(write(rows()), test="test.csv")
    assert [(one.level, one.kind, one.split) for one in found] == [
        ("error", "exact-leak", "test"), ("error", "normalised-leak", "test"),
        ("warning", "near-leak", "test"),
    ]  # fmt: skip
    exact, normalised, nearly = found
    assert exact.text == "1 row (4.3 %) stands in train too"
    assert others(exact) == [(22, "t.csv", 9)]
    assert normalised.text == (
        "1 row (4.3 %) stands in train too, but for case, punctuation and spaces"
    )
    assert others(normalised) == [(23, "t.csv", 10)]
    assert nearly.text == "1 row (4.3 %) is much like a row of train"
    assert others(nearly) == [(24, "t.csv", 11)]
    assert exact.help == ("take them out of train: metrics on rows that were trained on flatter")
    assert [one.kind for one in check("t.csv", test="test.csv", near=0)] == [
        "exact-leak", "normalised-leak",
    ]  # fmt: skip


def test_validation_rows_leak_with_a_warning_and_into_the_test_set_too():
    write([*rows(20, 100), (TEXTS[7], "b")], "valid.csv")
    write([*rows(20, 200), (TEXTS[100], "a")], "test.csv")
    found = check(write(rows()), valid="valid.csv", test="test.csv")
    assert [(one.level, one.split, one.text) for one in found] == [
        ("error", "test", "1 row (4.8 %) stands in valid too"),
        ("warning", "valid", "1 row (4.8 %) stands in train too"),
    ]


def test_texts_without_a_letter_are_copies_only_where_they_are_equal():
    found = check(write([*rows(), ("***", "a"), ("---", "b"), ("***", "a")]))
    assert [one.kind for one in found] == ["exact-duplicates"]
    assert others(found[0]) == [(64, "t.csv", 62)]


def test_pairs_are_copies_where_both_texts_are():
    with open("p.csv", "w", encoding="utf-8") as stream:
        stream.write("title,abstract,label\n")
        for number, (text, label) in enumerate(rows()):
            stream.write(f"{text},{TEXTS[number + 100]},{label}\n")
        stream.write(f"{TEXTS[0]},{TEXTS[300]},a\n{TEXTS[1]},{TEXTS[101].upper()},b\n")
    columns = {"text_column": "title", "text_pair_column": "abstract"}
    one = only("p.csv", **columns)
    assert (one.kind, others(one)) == ("normalised-duplicates", [(63, "p.csv", 3)])


# Characters


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("spectrum＊s first moment", "gbk-read-as-big5",
         "1 row shows damage of encoding (gbk read as big5) (1.6 %)"),
        ("the cafÃ© of logic", "utf-8-read-as-cp1252",
         "1 row shows damage of encoding (utf-8 read as cp1252) (1.6 %)"),
        ("comments on &quot;queues&quot;", "html-entities", "1 row shows HTML entities (1.6 %)"),
        ("the form of H<sub>2</sub>O", "html-tags", "1 row shows HTML tags (1.6 %)"),
        ("a stray \x07 bell", "control-characters", "1 row shows control characters (1.6 %)"),
        ("lost \ufffd letters", "replacement-character",
         "1 row shows a replacement character (1.6 %)"),
    ],
)  # fmt: skip
def test_damaged_characters(text, kind, told):
    one = only(write([*rows(), (text, "a")]))
    assert (one.level, one.kind, one.split, one.text) == ("warning", kind, "train", told)
    assert lines(one) == [("train", "t.csv", 62)]
    mends = "--fix-text mends what is sure, in training and in answers alike"
    assert (one.help == mends) == (kind not in ("html-tags", "replacement-character"))


def test_damage_is_told_once_and_mended_texts_are_sound(caplog):
    write([*rows(), ("the cafÃ© of logic", "a")])
    assert [one.kind for one in check("t.csv")] == ["utf-8-read-as-cp1252"]
    assert "damaged" not in caplog.text
    assert check("t.csv", fix_text=True) == []


@pytest.mark.parametrize("text", [
    "a < b and b > c", "AT&T; R&D", "the map x -> y", "naïve Bayes für Übungen", "q&a",
    "深度学习综述", "“quoted” – and dashed",
])  # fmt: skip
def test_what_only_looks_like_damage(text):
    assert check(write([*rows(), (text, "a")])) == []


def test_blank_texts():
    write([*rows(20, 100), ("", "a"), (" \u200b", "b")], "test.csv")
    found = check(write([*rows(), ("", "a")]), test="test.csv")
    assert [(one.level, one.split, one.text) for one in found] == [
        ("warning", "test", "2 rows of 22 with a blank text"),
        ("note", "train", "1 row of 61 with a blank text"),
    ]
    assert lines(found[0]) == [("test", "test.csv", 22), ("test", "test.csv", 23)]
    assert found[0].examples == ["test.csv:22 a", "test.csv:23 b"]
    assert found[1].help == "titlekit train skips them; --blank error refuses them"


# Where rows stand


def test_rows_of_several_files_and_of_a_folder_bear_their_own_lines(tmp_path):
    write(rows(40), "one.csv")
    write([*rows(40, 40), (TEXTS[0], "a"), ("", "a")], "two.csv")
    found = check(["one.csv", "two.csv"])
    assert sorted(one.kind for one in found) == ["blank", "exact-duplicates"]
    by_kind = {one.kind: one for one in found}
    assert others(by_kind["exact-duplicates"]) == [(42, "one.csv", 2)]
    assert lines(by_kind["blank"]) == [("train", "two.csv", 43)]
    folder = tmp_path / "titles"
    folder.mkdir()
    (folder / "positive.txt").write_text("\n".join(TEXTS[:40]) + "\n\n", "utf-8")
    (folder / "negative.txt").write_text("\n".join([*TEXTS[40:80], TEXTS[1]]) + "\n", "utf-8")
    (folder / "test.csv").write_text(f"title,Y/N\n{TEXTS[90]},Y\n{TEXTS[40]},N\n", "utf-8")
    by_kind = {one.kind: one for one in check("titles")}
    positive, negative = (f"titles/{name}.txt" for name in ("positive", "negative"))
    assert lines(by_kind["blank"]) == [("train", positive, 41)]
    assert others(by_kind["exact-duplicates"]) == [(41, positive, 2)]
    assert others(by_kind["exact-leak"]) == [(3, negative, 1)]
    assert [row["file"] for row in by_kind["two-labels"].rows] == [positive, negative]


def test_what_cannot_be_read_is_refused_as_in_training():
    with open("bad.csv", "w", encoding="utf-8") as stream:
        stream.write("title,label\nonly one cell\n")
    with pytest.raises(DataError, match=r"^bad\.csv:2: expected 2 cells, got 1"):
        check("bad.csv")
    write(rows(), "one.csv")
    with open("two.csv", "w", encoding="utf-8") as stream:
        stream.write("text,label\nsome,a\n")
    with pytest.raises(DataError, match=r"^two\.csv: text and label are the columns text, label"):
        check(["one.csv", "two.csv"])
    with pytest.raises(UsageError, match=r"^which data\? name a file or a folder$"):
        check([])
    with pytest.raises(UsageError, match=r"^--near: expected a number from 0 to 1, got 1\.5$"):
        check("one.csv", near=1.5)


def test_soft_targets_are_checked_by_the_likeliest_class():
    with open("votes.csv", "w", encoding="utf-8") as stream:
        stream.write("title,p_a,p_b\n")
        for number in range(40):
            stream.write(f"{TEXTS[number]},{0.9 if number % 4 else 0.1},"
                         f"{0.1 if number % 4 else 0.9}\n")  # fmt: skip
        stream.write(f"{TEXTS[0]},0.9,0.1\n")
    found = check("votes.csv", soft_targets=True)
    assert {one.kind for one in found} == {"imbalance", "exact-duplicates", "two-labels"}


def test_the_report_is_the_same_json_twice_and_says_where_all_rows_are():
    write([*rows(20, 100), *rows(12)], "test.csv")
    one, other = (
        titlekit.check(train=write(rows()), test="test.csv", model="tiny", time=False)
        for _ in range(2)
    )
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())
    [leak] = one.findings
    assert len(leak.rows) == 12
    assert len(leak.examples) == 5
    assert (one.count("error"), one.count("warning"), one.count("note")) == (1, 0, 0)
