"""Rows that cannot be read: one error that names --rejects, or all set aside and counted."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from titlekit import DataError
from titlekit.core.data.readers import open_table
from titlekit.core.data.rows import Rejects

HINT = "; --rejects FILE.csv sets such rows aside"
CSV = (
    b'id,title\n1,A\n2\n3,B,x\n4,"two\nlines",y\n5,\xffC\n6,\xc3\xa9t\xc3\xa9\n7,D\0\n'
    b"8,G\xc3\xb6del\n9,F\n"
)
CSV_ASIDE = [
    ["3", "expected 2 cells, got 1; column 'title' has none", "2"],
    ["4", "expected 2 cells, got 3; 'x' has no column: a cell that holds the delimiter stands in "
     "quotes", "3,B,x"],
    ["5", "expected 2 cells, got 3; the row runs on to line 6: is a quote out of place?",
     '4,"two\nlines",y'],
    ["7", "byte 0xff at character 3 does not decode", "5,\\xffC"],
    ["9", "NUL bytes; is it UTF-16? --encoding utf-16", "7,D\0"],
]  # fmt: skip
JSON = (
    b'{"title": "A"}\n{"title": \n[1]\n{"title": "\xe4"}\n{"title": "\xc3\xa4"}\n\n'
    b'{"title": "\\ud800"}\n{"title": "B"}\n{"title": "\xc3\xa9"}\n'
)
JSON_ASIDE = [
    ["2", "not valid JSON (Expecting value at character 1)", '{"title": '],
    ["3", "expected a JSON object, got a list", "[1]"],
    ["4", "byte 0xe4 at character 12 does not decode", '{"title": "\\xe4"}'],
    ["7", "column 'title': half of a \\u surrogate pair", '{"title": "\\ud800"}'],
]


def read(path, **options):
    """Return the rows' last cells and what was set aside."""
    aside = []
    rejects = Rejects(aside.append)
    with open_table(str(path), rejects=rejects, **options) as table:
        rows = [list(row.values.values())[-1] for row in table]
    assert rejects.count == len(aside)
    return rows, aside


def test_csv(tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    assert read(tmp_path / "a.csv") == (["A", "été", "Gödel", "F"], CSV_ASIDE)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV))
    assert read(tmp_path / "a.csv.gz") == (["A", "été", "Gödel", "F"], CSV_ASIDE)


def test_tsv(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"id\ttitle\n1\tA\n2\n3\t\xffB\n4\t\xc3\xa9\n5\t\xc3\xa9\n")
    assert read(tmp_path / "a.tsv") == (
        ["A", "é", "é"],
        [["3", "expected 2 cells, got 1; column 'title' has none", "2"],
         ["4", "byte 0xff at character 3 does not decode", "3\t\\xffB"]],
    )  # fmt: skip


def test_a_quote_that_is_never_closed_swallows_no_other_row(tmp_path):
    lines = ["id,title", '1,"A', *(f"{n},B" for n in range(2, 9))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    rows, aside = read(tmp_path / "a.csv")
    assert rows == ["B"] * 7
    assert aside == [["2", "a quote that opens in this row is never closed", '1,"A']]


def test_a_cell_that_is_too_long_is_set_aside_with_its_line(tmp_path):
    (tmp_path / "a.csv").write_text(f"id,title\n1,{'x' * (2**24 + 1)}\n2,B\n3\n4,C\n")
    rows, aside = read(tmp_path / "a.csv")
    assert rows == ["B", "C"]
    assert [one[:2] for one in aside] == [
        ["2", "a cell of more than 16 MB; is a quote never closed?"],
        ["4", "expected 2 cells, got 1; column 'title' has none"],
    ]


def test_json_lines(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(JSON)
    assert read(tmp_path / "a.jsonl") == (["A", "ä", "B", "é"], JSON_ASIDE)


def test_plain_lines(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"A\n\xff\n\xc3\xa9\nB\0\n\xc3\xa9\n")
    assert read(tmp_path / "a.txt") == (
        ["A", "é", "é"],
        [["2", "byte 0xff at character 1 does not decode", "\\xff"],
         ["4", "NUL bytes; is it UTF-16? --encoding utf-16", "B\0"]],
    )  # fmt: skip


def test_an_encoding_that_is_asked_for_or_found(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"A\n\xe9\nB\n")
    aside = [["2", "byte 0xe9 at character 1 does not decode", "\\xe9"]]
    assert read(tmp_path / "a.txt", encoding="ascii") == (["A", "B"], aside)
    lines = ["一种基于图核的文本分类方法研究", "面向检索的深度学习综述", "数据库查询优化"] * 140
    data = "\n".join(lines).encode("gbk") + b"\n\xff\n"
    (tmp_path / "b.txt").write_bytes(data)
    rows, aside = read(tmp_path / "b.txt")
    assert (rows, [line for line, *_ in aside]) == (lines, ["421"])


def test_sheets(tmp_path):
    book = Workbook()
    for row in (["id", "title"], [1, "A"], [2, "B", "beyond"], [3, "C"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    reason = "expected 2 cells, got 3; the header lacks a name for column C"
    assert read(tmp_path / "a.xlsx") == (["A", "C"], [["3", reason, '["2", "B", "beyond"]']])


def test_parquet(tmp_path):
    table = pyarrow.table({"id": [1, 2, 3], "title": [b"A", b"\xff", b"C"]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    reason = "column 'title': a value of type binary that is no text"
    assert read(tmp_path / "a.parquet") == (
        ["A", "C"], [["2", reason, '{"id": 2, "title": null}']]
    )  # fmt: skip


def test_bibliographies(tmp_path):
    (tmp_path / "a.bib").write_bytes(
        b"@article{a, title={A}}\n@article{b, title=\n@article{c, title={C}}\n"
        b"@article{d, title={\xff}}\n@article{e, title={\xc3\xa9}, note={\xc3\xa9}}\n"
        b"@misc{f, title={\xc3\xa9}}\n"
    )
    found = []
    with open_table(str(tmp_path / "a.bib"), rejects=Rejects(found.append)) as table:
        assert [row.values["title"] for row in table] == ["A", "C", "é", "é"]
    assert [one[0] for one in found] == ["2", "4"]
    assert found[0][1].startswith("an entry that cannot be read, '@article{b, title='")
    assert found[1][1:] == [
        "byte 0xff at character 20 does not decode", "@article{d, title={\\xff}}"
    ]  # fmt: skip
    (tmp_path / "a.ris").write_bytes(
        b"TY  - JOUR\nTI  - A\nER  - \nTI  - stray\nTY  - JOUR\nTI  - B\nTY  - JOUR\nTI  - C\n"
        b"ER  - \nTY  - JOUR\nTI  - \xff\nER  - \nTY  - JOUR\nTI  - \xc3\xa9\nN1  - \xc3\xa9\n"
        b"AU  - \xc3\xa9\nER  - \nTY  - JOUR\nTI  - D\n"
    )
    found = []
    with open_table(str(tmp_path / "a.ris"), rejects=Rejects(found.append)) as table:
        assert [row.values["title"] for row in table] == ["A", "C", "é"]
    assert [one[:2] for one in found] == [
        ["4", "'TI  - stray' stands in no entry; TY begins one"],
        ["5", "the entry has no line ER  - at its end"],
        ["10", "byte 0xff at character 7 does not decode"],
        ["18", "the entry has no line ER  - at its end"],
    ]


PIECE = st.one_of(
    st.sampled_from([b'"', b"{", b"}", b"\0", b"\r", b"\n", b"\xff", b"\xe4\xb8", b"TY  - JOUR\n"]),
    st.sampled_from([b"a,b\n", b'{"t": "\xc3\xa9"}\n', b"@a{k, title={T}}\n", b"ER  - \n", b"x,y"]),
    st.binary(max_size=4),
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(PIECE, max_size=12), st.sampled_from(["", "utf-8", "ascii"]))
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "txt", "bib", "ris"])
def test_any_bytes_are_rows_or_set_aside_or_one_error(tmp_path, suffix, pieces, encoding):
    path = tmp_path / f"any.{suffix}"
    path.write_bytes(b"".join([b"a,b\n" * (suffix == "csv"), *pieces]))
    said, rows, aside = str(path), [], []
    try:
        rows, aside = read(path, encoding=encoding)
    except DataError as error:
        said = str(error)
    assert said.startswith(str(path))
    assert "\n" not in said
    assert all(int(line) >= 1 and reason and "\n" not in reason for line, reason, _ in aside)
    assert json.dumps(rows, ensure_ascii=False).encode()  # no byte that does not decode slips in
    if suffix == "txt" and said == str(path):
        data = path.read_bytes()
        if encoding or data.isascii():  # else what is found says what a line is
            assert len(rows) + len(aside) == data.count(b"\n") + (data[-1:] not in (b"", b"\n"))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"t\xff\nA\n", ":1: byte 0xff at character 2 does not decode"),
        ("a.csv", b'"t\nA\n', ":1: a quote that opens in this row is never closed"),
        ("a.jsonl", b"[1]\n[2]\n", ": no line can be read"),
        ("a.jsonl", b"", ": the file is empty"),
    ],
)
def test_what_nothing_can_be_set_aside_of(console, bag, tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    words = ["--encoding", "utf-8"] if b"\xff" in data else []
    code, _, err = console("predict", bag, path, "--rejects", tmp_path / "bad.csv", *words)
    assert code == 2
    assert err.startswith(f"Error: {path}{message}")
    assert os.listdir(tmp_path) == [name]


def test_without_the_option_the_error_names_it(console, bag, tmp_path):
    cases = {
        "a.csv": (b"id,title\n1\n", ":2: expected 2 cells, got 1; column 'title' has none"),
        "b.jsonl": (b'{"title": 1}\n[1]\n', ":2: expected a JSON object, got a list"),
        "c.jsonl": (b'{"title": [1]}\n', ":1: column 'title': expected text, got a list"),
        "d.txt": (b"A\0\n", ":1: NUL bytes; is it UTF-16? --encoding utf-16"),
        "e.txt": (
            b"\xe9\n", ":1: byte 0xe9 at character 1 does not decode as ascii; without --encoding "
            "the encoding is detected",
        ),
    }  # fmt: skip
    for name, (data, message) in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        more = ["--encoding", "ascii"] if name == "e.txt" else []
        code, out, err = console("predict", bag, path, "-o", tmp_path / "out.csv", *more)
        assert (code, out, err) == (2, "", f"Error: {path}{message}{HINT}\n")
    assert sorted(os.listdir(tmp_path)) == [*cases]


def test_the_file_the_count_and_the_page(console, bag, tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    words = ["predict", bag, tmp_path / "a.csv", "-o", tmp_path / "out.csv", "--rejects"]
    code, _, err = console(*words, tmp_path / "bad.csv")
    assert code == 0
    assert f", set aside in {tmp_path / 'bad.csv'} 5; " in err
    with open_table(str(tmp_path / "bad.csv"), rejects=Rejects(print)) as table:
        assert table.columns == ["line", "reason", "raw"]
        assert [row.values["line"] for row in table] == ["3", "4", "5", "7"]  # the fifth holds NUL
    page = json.loads((tmp_path / "out.csv.json").read_text())
    assert (page["rows"], page["rejected_rows"]) == (4, 5)
    code, out, err = console(*words, tmp_path / "bad.csv", "--overwrite", "--json", "-q")
    assert (code, json.loads(out)["rejected_rows"], err) == (0, 5, "")
    code, out, err = console(*words[:3], "--rejects", tmp_path / "bad2.csv")
    assert (code, len(out.splitlines())) == (0, 5)
    assert (tmp_path / "bad2.csv").read_bytes() == (tmp_path / "bad.csv").read_bytes()


def test_values_that_are_no_texts(console, bag, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"title": "A"}\n{"title": ["B"], "n": "é"}\n')
    words = ["predict", bag, tmp_path / "a.jsonl", "--rejects", tmp_path / "bad.csv"]
    code, out, _ = console(*words)
    assert (code, len(out.splitlines())) == (0, 1)
    assert (tmp_path / "bad.csv").read_text("utf-8") == (
        "line,reason,raw\n"
        '2,"column \'title\': expected text, got a list","{""title"": [""B""], ""n"": '
        '""é""}"\n'
    )


def test_standard_input(console, bag, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV), "utf-8"))
    code, out, _ = console("predict", bag, "-", "--rejects", tmp_path / "bad.csv")
    assert (code, len(out.splitlines())) == (0, 5)
    assert len((tmp_path / "bad.csv").read_text().splitlines()) == 7


def test_names_that_are_refused(console, bag, tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "there.csv").write_text("")
    for name, message in {
        "bad.txt": ": expected a name that ends in .csv",
        "a.csv": " is the input itself; choose another name",
        "there.csv": " exists; choose another name, or replace it with --overwrite",
        "out.csv": ": -o has the same name; choose another one",
    }.items():
        words = ["predict", bag, tmp_path / "a.csv", "-o", tmp_path / "out.csv"]
        code, _, err = console(*words, "--rejects", tmp_path / name)
        assert (code, err) == (2, f"Error: --rejects {tmp_path / name}{message}\n")
