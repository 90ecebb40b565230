"""predict_file: the same rows and columns out, in order, in bounded memory, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tiny import FAULTS, TITLES, mark_as_run, save_classifier
from titlekit import DataError, UsageError, load
from titlekit.core.data.readers import Row, Table, open_table
from titlekit.core.inference import stream
from titlekit.core.inference.stream import check_target, predict_file

TEXTS = [*TITLES, *FAULTS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_classifier(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def predictor(folder):
    return load(folder, device="cpu")


def made(rows, columns=("id", "text")):
    """Return a table of these rows, read lazily, and its log: what was asked for and when."""
    return Table(
        "made.csv",
        "csv",
        list(columns),
        (Row(line, dict(zip(columns, row, strict=True))) for line, row in enumerate(rows, 2)),
        lambda: None,
    )


def answered(predictor, table, target, **options):
    with table:
        return predict_file(predictor, table, str(target), **options)


def cells(path):
    with open_table(str(path)) as table:
        return [table.columns, *([*row.values.values()] for row in table)]


def test_rows_and_columns_come_out_in_order_with_the_answers_behind(predictor, tmp_path):
    rows = [[f"{number:03d}", text] for number, text in enumerate(TEXTS * 3)]
    counts = answered(predictor, made(rows), tmp_path / "out.csv")
    found = cells(tmp_path / "out.csv")
    expected = predictor.predict([text for _, text in rows])
    assert found[0] == ["id", "text", "predicted_label", "score"]
    assert [row[:2] for row in found[1:]] == rows
    assert [row[2] for row in found[1:]] == expected.labels
    assert [row[3] for row in found[1:]] == [f"{score:.6f}" for score in expected.scores]
    assert counts["rows"] == 60
    assert counts["by_label"] == {
        name: expected.labels.count(name) for name in ("wrong", "correct")
    }
    assert counts["rows_per_second"] == pytest.approx(60 / counts["seconds"])


def test_windows_change_nothing(predictor, tmp_path, monkeypatch):
    rows = [[str(number), text] for number, text in enumerate(TEXTS * 2)]
    answered(predictor, made(rows), tmp_path / "one.csv", proba=True)
    monkeypatch.setattr(stream, "WINDOW", 7)
    answered(predictor, made(rows), tmp_path / "many.csv", proba=True)
    one, many = cells(tmp_path / "one.csv"), cells(tmp_path / "many.csv")
    assert [row[:3] for row in one] == [row[:3] for row in many]
    numbers = [[[float(cell) for cell in row[3:]] for row in table[1:]] for table in (one, many)]
    assert np.abs(np.subtract(*numbers)).max() < 1e-5


def test_proba_adds_a_column_for_every_class(predictor, tmp_path):
    answered(predictor, made([["1", TITLES[0]], ["2", ""]]), tmp_path / "out.csv", proba=True)
    head, first, blank = cells(tmp_path / "out.csv")
    assert head[2:] == ["predicted_label", "score", "p_wrong", "p_correct"]
    assert sum(map(float, first[4:])) == pytest.approx(1, abs=2e-6)
    assert first[3] == max(first[4:])
    assert blank[2:] == ["", "", "", ""]


def test_blank_texts_are_answered_with_nothing_or_with_a_label(predictor, tmp_path):
    rows = [["1", ""], ["2", " \t"], ["3", TITLES[0]], ["4", "\u200b"]]
    counts = answered(predictor, made(rows), tmp_path / "out.csv", blank_label="wrong")
    found = cells(tmp_path / "out.csv")
    assert [row[2:] == ["wrong", ""] for row in found[1:]] == [True, True, False, True]
    assert counts["blank_rows"] == 3
    assert sum(counts["by_label"].values()) == 1


TEXT = st.text(
    st.one_of(
        st.sampled_from("\",;\t\n\r'0 =-\\\u2028\x1b\x85"), st.characters(exclude_categories=["Cs"])
    ).filter(lambda sign: sign != "\0"),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=6))
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_every_cell_reads_back_as_it_was(predictor, tmp_path_factory, suffix, rows):
    place = tmp_path_factory.mktemp("cells")
    with (place / "in.csv").open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, quoting=csv.QUOTE_ALL).writerows([["id", "text", "0"], *rows])
    answered(predictor, open_table(str(place / "in.csv")), place / f"out.{suffix}")
    if rows or suffix != "jsonl":
        assert [row[:3] for row in cells(place / f"out.{suffix}")[1:]] == rows


def test_json_values_stay_what_they_were(predictor, tmp_path):
    records = [
        {"id": 1, "text": TITLES[0], "more": [1, {"a": None}], "wide": 10**30},
        {"text": 2024, "id": "01", "more": True, "half": 0.1},
        {"text": None, "id": 1e300},
    ]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    answered(predictor, open_table(str(source)), tmp_path / "out.jsonl")
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    for record, answer in zip(records, found, strict=True):
        assert {name: answer[name] for name in record} == record
    assert [type(answer["score"]) for answer in found] == [float, float, type(None)]
    assert [answer["predicted_label"] != "" for answer in found] == [True, True, False]


def test_json_lines_become_cells_of_a_csv(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "A", "n": 3.0, "more": [1, "é"], "yes": true}\n{"text": "B"}\n')
    answered(predictor, open_table(str(source)), tmp_path / "out.csv")
    found = cells(tmp_path / "out.csv")
    assert [row[:4] for row in found] == [
        ["text", "n", "more", "yes"],
        ["A", "3", '[1, "é"]', "true"],
        ["B", "", "", ""],
    ]


def test_a_field_of_a_late_json_line_has_no_column(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "A"}\n' * 1000 + '{"text": "B", "new": 1}\n')
    answered(predictor, open_table(str(source)), tmp_path / "out.jsonl")
    with pytest.raises(DataError) as refused:
        answered(predictor, open_table(str(source)), tmp_path / "out.csv")
    assert str(refused.value) == (
        f"{source}:1001: a field 'new' that the first rows lack has no column; write JSON lines: "
        "-o FILE.jsonl"
    )
    assert sorted(os.listdir(tmp_path)) == ["in.jsonl", "out.jsonl", "out.jsonl.json"]


def test_a_sheet_becomes_csv(predictor, tmp_path):
    book = Workbook()
    for row in (["id", "title"], ["01", TITLES[0]], ["02", None], [3, FAULTS[0]]):
        book.active.append(row)
    book.save(tmp_path / "in.xlsx")
    target = io.StringIO()
    with open_table(str(tmp_path / "in.xlsx")) as table:
        predict_file(predictor, table, target)
    found = list(csv.reader(io.StringIO(target.getvalue())))
    assert [row[:2] for row in found[1:]] == [["01", TITLES[0]], ["02", ""], ["3", FAULTS[0]]]


def test_the_columns_of_the_training_are_the_text(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    mark_as_run(tmp_path / "run", text_columns=["head", "body"], label_column="kind")
    predictor = load(tmp_path / "run", device="cpu")
    rows = [[TITLES[0], "wrong", FAULTS[0]], [TITLES[1], "wrong", ""]]
    answered(predictor, made(rows, ("head", "text", "body")), tmp_path / "out.csv")
    joined = predictor.predict([f"{TITLES[0]} {FAULTS[0]}", TITLES[1]])
    assert [row[4] for row in cells(tmp_path / "out.csv")[1:]] == [
        f"{score:.6f}" for score in joined.scores
    ]
    with pytest.raises(DataError) as refused:
        answered(predictor, made(rows, ("head", "text", "rest")), tmp_path / "no.csv")
    assert str(refused.value) == (
        "made.csv: no column 'body', where the training had its texts; name the text with "
        "--text-column (columns: head, text, rest)"
    )
    found = answered(
        predictor, made(rows, ("head", "text", "rest")), tmp_path / "out.csv", text_column="rest"
    )
    assert found["blank_rows"] == 1


def test_a_second_text_is_a_column_too(predictor, tmp_path):
    rows = [[TITLES[0], FAULTS[0]], [TITLES[1], ""]]
    answered(predictor, made(rows, ("text", "other")), tmp_path / "o.csv", pair_column="other")
    paired = predictor.predict(TITLES[:2], [FAULTS[0], ""])
    assert [row[3] for row in cells(tmp_path / "o.csv")[1:]] == [
        f"{score:.6f}" for score in paired.scores
    ]


@pytest.mark.parametrize(
    ("name", "proba"), [("predicted_label", False), ("score", False), ("p_wrong", True)]
)
def test_a_column_that_would_be_there_twice_is_refused(predictor, tmp_path, name, proba):
    table = made([["A", "B"]], ("text", name))
    with pytest.raises(DataError) as refused:
        answered(predictor, table, tmp_path / "out.csv", proba=proba)
    assert str(refused.value) == (
        f"made.csv: there is a column {name!r} already, which predict would add; rename it or "
        "leave it out"
    )
    assert os.listdir(tmp_path) == []


def test_a_late_json_field_that_would_be_there_twice_is_refused(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "A"}\n' * 1000 + '{"text": "B", "score": 1}\n')
    with pytest.raises(DataError, match=re.escape(f"{source}:1001: there is a column 'score'")):
        answered(predictor, open_table(str(source)), tmp_path / "out.jsonl")


def test_memory_holds_one_window(predictor):
    asked = written = most = 0

    def rows():
        nonlocal asked, most
        for number in range(30_000):
            asked += 1
            most = max(most, asked - written)
            yield [str(number), TEXTS[number % 20]]

    class Counting(io.StringIO):
        def write(self, text):
            nonlocal written
            written += 1
            return len(text)

    with made(rows()) as table:
        counts = predict_file(predictor, table, Counting())
    assert counts["rows"] == written - 1 == 30_000
    assert most <= stream.WINDOW


def test_long_cells_make_short_windows(predictor, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "_SIGNS", 1000)
    rows = [["x" * 400, text] for text in TEXTS]
    with made(rows) as table:
        assert [len(window) for window in stream._windows(table)] == [3] * 6 + [2]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, DataError, MemoryError])
@pytest.mark.parametrize("old", ["", "what was there before\n"])
def test_a_run_that_breaks_off_leaves_nothing(predictor, tmp_path, monkeypatch, fault, old):
    monkeypatch.setattr(stream, "WINDOW", 4)
    if old:
        (tmp_path / "out.csv").write_text(old)
    before = os.listdir(tmp_path)
    seen = []

    def rows():
        for number in range(20):
            if number == 10:
                seen.extend(os.listdir(tmp_path))
                raise fault("stopped")
            yield [str(number), TITLES[0]]

    with pytest.raises(fault):
        answered(predictor, made(rows()), tmp_path / "out.csv")
    assert sorted({*seen} - {*before}) == [".out.csv.lock", ".out.csv.part"]
    assert os.listdir(tmp_path) == before
    assert not old or (tmp_path / "out.csv").read_text() == old


def test_a_link_stays_and_its_file_is_replaced(predictor, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "out.csv").write_text("old")
    (tmp_path / "out.csv").symlink_to(tmp_path / "real" / "out.csv")
    answered(predictor, made([["1", TITLES[0]]]), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").is_symlink()
    assert len(cells(tmp_path / "real" / "out.csv")) == 2


def test_targets_that_are_refused(tmp_path):
    source, there = tmp_path / "in.csv", tmp_path / "there.csv"
    source.write_text("text\nA\n")
    there.write_text("")
    (tmp_path / "dir.csv").mkdir()
    cases = {
        str(there): "exists; choose another name, or replace it with --overwrite",
        str(source): "is the input itself; choose another name",
    }
    for target, reason in cases.items():
        with pytest.raises(UsageError) as refused:
            check_target(str(source), target, overwrite=False)
        assert str(refused.value) == f"-o {target} {reason}"
    cases = {
        "out.parquet": "expected a name that ends in .csv, .tsv, .jsonl, or - for stdout",
        f"{tmp_path}/none/out.csv": f"there is no folder '{tmp_path}/none'",
        str(tmp_path / "dir.csv"): "expected a file, that is a folder or a device",
    }
    for target, reason in cases.items():
        with pytest.raises(UsageError) as refused:
            check_target(str(source), target, overwrite=True)
        assert str(refused.value) == f"-o {target}: {reason}"
    with pytest.raises(UsageError, match="is the input itself"):
        check_target(str(source), str(source), overwrite=True)
    assert check_target(str(source), str(there), overwrite=True) == "csv"
    assert check_target(str(source), str(tmp_path / "new.TSV"), overwrite=False) == "tsv"
