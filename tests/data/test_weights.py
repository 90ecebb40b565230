"""Rows that weigh: the column, what it refuses, and what goes with the rows."""

import hashlib
import json

import numpy as np
import openpyxl
import pytest

from titlekit.core.config import TrainConfig
from titlekit.core.data.dataset import fingerprint, select
from titlekit.core.data.load import load_training, read_training
from titlekit.core.errors import DataError, TitlekitError

ROWS = [
    ("Graph Kernels", "0", "1"),
    ("Sparse Products", "1", "0.25"),
    ("Query Answering", "0", "0"),
]
ROWS += [("Program Repair", "1", "2e1"), ("Speech Networks", "1", " 3 "), ("Caching", "0", "1")]
HEAD = ["title", "label", "w"]


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO", "titlekit")


def write(name="a.csv", rows=ROWS, head=HEAD, sep=","):
    lines = [sep.join(row) for row in [head, *rows]]
    with open(name, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    return name


def train(*paths, **options):
    return load_training(TrainConfig(train=list(paths), **{"weight_column": "w", **options}))


def refused(*paths, **options):
    with pytest.raises(TitlekitError) as caught:
        train(*paths, **options)
    return str(caught.value)


def test_each_kind_of_table_has_weights(caplog):
    write("a.csv")
    write("b.tsv", sep="\t")
    with open("c.jsonl", "w", encoding="utf-8") as stream:
        for title, label, w in ROWS:
            stream.write(json.dumps({"title": title, "label": label, "w": float(w)}) + "\n")
    book = openpyxl.Workbook()
    book.active.append(HEAD)
    for title, label, w in ROWS:
        book.active.append([title, label, float(w)])
    book.save("d.xlsx")
    found = [train(name, valid="0") for name in ("a.csv", "b.tsv", "c.jsonl", "d.xlsx")]
    for data in found:
        assert data.train.weights.tolist() == [1, 0.25, 0, 20, 3, 1]
        assert data.train.weights.dtype == np.float64
        assert data.weight_column == "w"
        assert data.text_columns == ["title"]
    assert len({data.train.sha256 for data in found}) == 1
    assert caplog.messages[0] == (
        "a.csv: weights from 0 to 20, on average 4.20833; 1 row weighs nothing"
    )


def test_weights_follow_their_rows():
    data = train(write(rows=ROWS * 4), valid="0.3", limit=5)
    train_rows = data.train
    assert train_rows.weights.tolist() == [float(ROWS[(n - 2) % 6][2]) for n in train_rows.lines]
    # They act in training alone: the validation rows are those of an unweighted run.
    assert data.valid.weights is None
    plain = train("a.csv", valid="0.3", weight_column="")
    assert data.valid.sha256 == plain.valid.sha256
    whole = read_training(TrainConfig(train=["a.csv"], weight_column="w"))
    assert whole.valid is None
    some = select(whole.train, np.array([3, 1]), whole.labels)
    assert some.weights.tolist() == [20, 0.25]


def test_the_hash_knows_weights_and_is_as_ever_without():
    write()
    weighted, plain = train("a.csv", valid="0").train, train("a.csv", valid="0", weight_column="")
    assert plain.train.weights is None
    assert weighted.sha256 != plain.train.sha256
    # The hash that runs recorded before rows could weigh.
    assert fingerprint(["A"], None, ["1"]) == (hashlib.sha256(b"1:A1:1\n").hexdigest())
    one, other = np.array([1.0, 2.0]), np.array([2.0, 1.0])
    texts, names = ["A", "B"], ["0", "1"]
    assert fingerprint(texts, None, names, one) == fingerprint(texts, None, names, one[::1])
    assert fingerprint(texts, None, names, one) != fingerprint(texts, None, names, other)
    half = one.astype(np.float32)  # the bytes are those of the numbers, whatever held them
    assert fingerprint(texts, None, names, half) == fingerprint(texts, None, names, one)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "expected a weight of at least 0, got ''"),
        ("heavy", "expected a weight of at least 0, got 'heavy'"),
        ("-1", "expected a weight of at least 0, got '-1'"),
        ("nan", "expected a weight of at least 0, got 'nan'"),
        ("inf", "expected a weight of at least 0, got 'inf'"),
        ("1e31", "expected a weight of 0 or from 1e-30 to 1e+30, got '1e31'"),
        ("1e-31", "expected a weight of 0 or from 1e-30 to 1e+30, got '1e-31'"),
    ],
)
def test_what_is_no_weight(cell, message):
    write(rows=[*ROWS, ("Vision", "1", cell)])
    assert refused("a.csv") == f"a.csv:8: column 'w': {message}"


def test_a_json_line_that_lacks_the_weight():
    with open("a.jsonl", "w", encoding="utf-8") as stream:
        stream.write('{"title": "A", "label": 1, "w": 1}\n{"title": "B", "label": 0}\n')
    assert refused("a.jsonl") == "a.jsonl:2: column 'w': expected a weight of at least 0, got ''"
    with open("b.jsonl", "w", encoding="utf-8") as stream:
        stream.write('{"title": "A", "label": 1, "w": [1]}\n')
    assert refused("b.jsonl") == "b.jsonl:1: column 'w': expected text, got a list"


def test_columns_that_cannot_be_the_weight():
    write()
    assert refused("a.csv", weight_column="lable") == (
        "a.csv: no column 'lable'; did you mean 'label'? (columns: title, label, w)"
    )
    for asked in ("", "label"):
        assert refused("a.csv", weight_column="label", label_column=asked) == (
            "a.csv: column 'label' is the label and cannot be the weight; --label-column names "
            "another"
        )
    assert refused(weight_column="w") == "--weight-column: synthetic data has no columns"


def test_nothing_but_weights_of_0():
    write(rows=[(title, label, "0") for title, label, _ in ROWS])
    assert refused("a.csv", valid="0") == (
        "a.csv: column 'w': all 6 training rows weigh 0; expected some above 0"
    )


def test_a_weight_is_no_text_and_a_blank_text_needs_none(caplog):
    rows = [("A", "x", "1"), ("B", "y", "2"), ("", "x", ""), ("C", "x", "1"), ("D", "y", "1")]
    data = train(write(head=["words", "kind", "w"], rows=rows), label_column="kind", valid="0")
    assert (data.text_columns, data.label_column) == (["words"], "kind")
    assert data.train.weights.tolist() == [1, 2, 1, 1]
    assert caplog.messages[0] == "a.csv: 1 blank text skipped"


def test_every_file_needs_the_column():
    write("a.csv")
    write("b.csv", rows=[(title, label) for title, label, _ in ROWS], head=HEAD[:2])
    with pytest.raises(DataError) as caught:
        train("a.csv", "b.csv")
    assert str(caught.value) == "b.csv: no column 'w' (columns: title, label)"
