"""Kinds of files that answers are written to, and the page beside them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys

import pyarrow
import pyarrow.parquet
import pytest

from titlekit import DataError, UsageError, load
from titlekit.core.data.readers import Row, Table, open_table
from titlekit.core.inference import stream
from titlekit.core.inference.stream import check_answers, predict_file

ROWS = [
    {"id": 1, "title": "A Theory of Titles", "n": [1, {"a": None}]},
    {"id": None, "title": "Table of Contents", "n": 0.5},
    {"id": "", "title": "", "n": True},
    {"id": "01", "title": 'Ünï, "quoted"\n\ttext', "n": None},
]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), "utf-8")
    return str(path)


def answered(predictor, source, target, **options):
    with open_table(source) as table:
        return predict_file(predictor, table, str(target), **options)


def test_parquet_has_texts_and_numbers(bag, source, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "WINDOW", 3)
    answered(load(bag), source, tmp_path / "out.parquet", proba=True)
    answered(load(bag), source, tmp_path / "out.jsonl", proba=True)
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    text, number = pyarrow.string(), pyarrow.float64()
    assert found.schema.types == [text, text, text, text, number, number, number]
    assert found.column_names[3:] == ["predicted_label", "score", "p_wrong", "p_correct"]
    rows = found.to_pylist()
    assert [row["id"] for row in rows] == ["1", None, "", "01"]
    assert [row["n"] for row in rows] == ['[1, {"a": null}]', "0.5", "true", None]
    assert [row["title"] for row in rows] == [row["title"] for row in ROWS]
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    for name in found.column_names[3:]:
        assert [row[name] for row in rows] == [line[name] for line in lines], name
    assert rows[2]["score"] is None


def test_parquet_goes_in_and_out(bag, source, tmp_path):
    answered(load(bag), source, tmp_path / "one.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "one.parquet")
    pyarrow.parquet.write_table(table.drop(["predicted_label", "score"]), tmp_path / "in.parquet")
    answered(load(bag), str(tmp_path / "in.parquet"), tmp_path / "two.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "two.parquet").equals(table)


def test_parquet_refuses_what_has_no_column(bag, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"title": "A"}\n' * 1000 + '{"title": "B", "new": 1}\n')
    with pytest.raises(DataError, match=r":1001: a field 'new' that the first rows lack has no "):
        answered(load(bag), str(source), tmp_path / "out.parquet")
    source.write_text('{"title": "A", "score": 1}\n')
    with pytest.raises(DataError, match="there is a column 'score' already, which predict would"):
        answered(load(bag), str(source), tmp_path / "out.parquet")
    assert os.listdir(tmp_path) == ["in.jsonl"]


def test_packed_files_hold_the_plain_ones(bag, source, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "WINDOW", 3)
    for kind in ("csv", "tsv", "jsonl"):
        answered(load(bag), source, tmp_path / f"out.{kind}")
        answered(load(bag), source, tmp_path / f"out.{kind}.gz")
        packed = (tmp_path / f"out.{kind}.gz").read_bytes()
        assert gzip.decompress(packed) == (tmp_path / f"out.{kind}").read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".csv.gz", ".jsonl.gz"])
def test_no_rows_are_a_file_all_the_same(bag, tmp_path, suffix):
    (tmp_path / "in.csv").write_text("id,title\n")
    counts = answered(load(bag), str(tmp_path / "in.csv"), tmp_path / f"out{suffix}")
    assert counts["rows"] == 0
    if suffix == ".jsonl.gz":
        assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()) == b""
        return
    with open_table(str(tmp_path / f"out{suffix}")) as table:
        assert table.columns == ["id", "title", "predicted_label", "score"]
        assert list(table) == []


def test_half_a_surrogate_pair_stays_what_it_was(bag, tmp_path):
    row = Row(2, {"title": "A", "n": "\ud800"})
    with Table("in.xlsx", "xlsx", ["title", "n"], [row], lambda: None) as table:
        predict_file(load(bag), table, str(tmp_path / "out.parquet"))
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet")["n"].to_pylist() == ["\\ud800"]


def test_parquet_without_pyarrow_is_one_line(console, bag, source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    target = tmp_path / "out.parquet"
    code, _, err = console("predict", bag, source, "-o", target)
    assert (code, err) == (
        2,
        f'Error: {target}: this kind of file needs pyarrow: pip install "titlekit[parquet]"\n',
    )
    assert os.listdir(tmp_path) == ["in.jsonl"]


def test_names_of_targets(tmp_path):
    known = ".csv, .tsv, .jsonl, .parquet, .csv.gz, .tsv.gz, .jsonl.gz"
    for name in ("a.gz", "a.parquet.gz", "a.csv.bz2", ".csv", "a"):
        with pytest.raises(UsageError) as refused:
            check_answers("in.csv", f"{tmp_path}/{name}", overwrite=False)
        assert str(refused.value) == (
            f"-o {tmp_path}/{name}: expected a name that ends in {known}, or - for stdout"
        )
    check_answers("in.csv", f"{tmp_path}/b.v2.CSV.GZ", overwrite=False)


# The page


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_page_says_what_answered(bag, source, tmp_path):
    target = tmp_path / "out.csv"
    counts = answered(load(bag), source, target, proba=True, blank_label="wrong")
    page = json.loads((tmp_path / "out.csv.json").read_text("utf-8"))
    assert {key: page[key] for key in counts} == counts
    assert (page["rows"], page["blank_rows"], page["distinct_texts"]) == (4, 1, 3)
    assert page["out"] == {"name": "out.csv", "bytes": target.stat().st_size}
    assert page["titlekit"] == page["versions"]["titlekit"]
    [model] = page["models"]
    assert (model["model"], model["sha256"]) == (str(bag), sha256(bag / "baseline.safetensors"))
    assert page["decision"] == {"temperature": 1.0, "threshold": 0.5, "groups": {}}
    assert page["input"]["name"] == source
    assert page["input"]["sha256"] == sha256(tmp_path / "in.jsonl")
    assert page["input"]["bytes"] == (tmp_path / "in.jsonl").stat().st_size
    assert page["options"]["blank_label"] == "wrong"
    assert page["options"]["text_columns"] == ["title"]
    assert page["device"] == "cpu"
    assert {"python", "numpy", "scipy"} <= {*page["versions"]}


def test_the_page_names_every_model(bag, save_bag, source, tmp_path):
    other = save_bag(tmp_path / "other", seed=1)
    answered(load([bag, other]), source, tmp_path / "out.csv")
    page = json.loads((tmp_path / "out.csv.json").read_text("utf-8"))
    assert [model["sha256"] for model in page["models"]] == [
        sha256(folder / "baseline.safetensors") for folder in (bag, other)
    ]


def test_no_old_page_stands_beside_new_answers(bag, source, tmp_path, monkeypatch):
    target = tmp_path / "out.csv"
    answered(load(bag), source, target)
    monkeypatch.setattr(os, "replace", replace := Replaced(os.replace))
    answered(load(bag), source, target, proba=True)
    names = [name for name in replace.names if name.startswith("out.")]
    assert names == ["out.csv.json", "out.csv"]


class Replaced:
    """os.replace that keeps the names in their order."""

    def __init__(self, replace):
        self.replace, self.names = replace, []

    def __call__(self, source, target):
        self.names.append(os.path.basename(target))
        self.replace(source, target)


def test_a_page_of_someone_else_is_not_replaced(console, bag, source, tmp_path):
    (tmp_path / "out.csv.json").write_text('{"mine": 1}')
    words = ["predict", bag, source, "-o", tmp_path / "out.csv"]
    code, _, err = console(*words)
    assert (code, err) == (
        2,
        f"Error: -o {tmp_path}/out.csv: {tmp_path}/out.csv.json is there, where what was done is "
        "written down; choose another name, or replace it with --overwrite\n",
    )
    assert console(*words, "--overwrite")[0] == 0
    assert "rows" in json.loads((tmp_path / "out.csv.json").read_text())
