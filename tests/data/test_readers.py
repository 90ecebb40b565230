"""Tables: what is read, that nothing is changed, and which fault is named how."""

import csv
import datetime
import io
import json
import os
import re
import sys
import threading
import tracemalloc
import zipfile

import openpyxl
import pytest

from titlekit.core.data.columns import is_blank, row_text
from titlekit.core.data.readers import Row, cell_text, open_table
from titlekit.core.errors import DataError, UsageError


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name: str, data: str | bytes, encoding: str = "utf-8") -> str:
        (tmp_path / name).write_bytes(data.encode(encoding) if isinstance(data, str) else data)
        return name

    return write


def read(path, **options):
    with open_table(path, **options) as table:
        return table.columns, [(row.line, *row.values.values()) for row in table]


def fault(path, **options):
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return str(caught.value)


def sheet(path, rows, *more):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title in more:
        book.create_sheet(title)
    book.save(path)
    return str(path)


def test_a_csv_row_by_row(write):
    path = write("a.csv", 'title,label\nPlain,1\n"Two, with ""quotes""",0\n')
    with open_table(path) as table:
        assert (table.name, table.kind, table.columns) == ("a.csv", "csv", ["title", "label"])
        assert list(table) == [
            Row(2, {"title": "Plain", "label": "1"}),
            Row(3, {"title": 'Two, with "quotes"', "label": "0"}),
        ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_empty_lines_and_cells_over_several_lines(write, end):
    lines = ["", "a,b", "1,2", "", '"x', 'y",3', "4,5", ""]
    columns, rows = read(write("a.csv", end.join(lines)))
    assert columns == ["a", "b"]
    assert rows == [(3, "1", "2"), (5, f"x{end}y", "3"), (7, "4", "5")]


def test_everything_stays_text(write):
    cells = ["NA", "nan", "01", "1", "1.0", "", " ", "TRUE", "=1+1", "\u2028", "N/A", "null"]
    path = write("a.csv", "a,b\n" + "".join(f"{cell},x\n" for cell in cells))
    assert [row[1] for row in read(path)[1]] == cells


def test_one_column_keeps_its_blank_rows(write):
    assert read(write("a.csv", "title\nA\n\nB\n\n")) == (
        ["title"],
        [(2, "A"), (3, ""), (4, "B"), (5, "")],
    )
    assert read(write("a.csv", 'title\n""\n'))[1] == [(2, "")]


def test_header_only_is_a_table_without_rows(write):
    assert read(write("a.csv", "title,label\n")) == (["title", "label"], [])
    assert read(write("a.csv", "title,label")) == (["title", "label"], [])


def test_delimiters(write, caplog):
    caplog.set_level("INFO", "titlekit")
    assert read(write("a.tsv", 'a\tb\n1, 2\t"x\ty"\n'))[1] == [(2, "1, 2", "x\ty")]
    assert read(write("b.tab", "a\tb\n1\t2\n"))[1] == [(2, "1", "2")]
    assert caplog.messages == []
    assert read(write("a.csv", "a;b\n1,5;2\n"))[1] == [(2, "1,5", "2")]
    assert read(write("b.csv", "a\tb\n1\t2\n"))[1] == [(2, "1", "2")]
    assert read(write("c.csv", "a;b,c\n1,2\n"))[0] == ["a;b", "c"]
    assert caplog.messages == [
        "a.csv: the header has no comma; cells are parted at semicolons",
        "b.csv: the header has no comma; cells are parted at tabs",
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_encodings(write, encoding, caplog):
    path = write("a.csv", "标题,label\n基于深度学习的文本分类,1\n图像检索,0\n", encoding)
    expected = (["标题", "label"], [(2, "基于深度学习的文本分类", "1"), (3, "图像检索", "0")])
    assert read(path) == expected
    said = ["a.csv: not UTF-8; read as gb18030: '标题,label'; --encoding NAME overrides"]
    assert caplog.messages == (said if encoding == "gb18030" else [])
    caplog.clear()
    assert read(path, encoding=encoding) == expected
    assert caplog.messages == []


def test_a_mark_that_a_named_codec_leaves_is_dropped(write):
    assert read(write("a.csv", "\ufeffa,b\n", "utf-16-le"), encoding="utf-16-le")[0] == ["a", "b"]


def test_a_cell_of_a_megabyte(write):
    text = "word " * 200_000
    assert read(write("a.csv", f'a,b\n"{text}",1\n'))[1] == [(2, text, "1")]


def test_a_column_without_a_name_is_pandas_index(write):
    assert read(write("a.csv", ",title\n0,A\n"))[0] == ["", "title"]
    assert fault(write("a.csv", "title,,\nA,,\n")) == (
        "a.csv:1: two columns without a name; the first line is the header"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a.csv: the file is empty"),
        (b"\n\r\n\n", "a.csv: the file is empty"),
        (b"a,b,a\n", "a.csv:1: two columns named 'a'; the first line is the header"),
        (b"a,b\n1,2\n1\n", "a.csv:3: expected 2 cells, got 1; column 'b' has none"),
        (
            b"a,b\n1,2,3\n",
            "a.csv:2: expected 2 cells, got 3; '3' has no column: a cell that holds the delimiter "
            "stands in quotes",
        ),
        (
            b"title\nOne, two\n",
            "a.csv:2: expected 1 cell, got 2; ' two' has no column: a cell that holds the "
            "delimiter stands in quotes",
        ),
        (
            b'a,b\n"open,1\nmore,2\nend" it,3,4\n',
            "a.csv:2: expected 2 cells, got 3; the row runs on to line 4: is a quote out of place?",
        ),
        (b'a,b\n1,2\n"open,1\n3,4\n', "a.csv:3: a quote that opens in this row is never closed"),
        (b'"a,b\n1,2\n', "a.csv:1: a quote that opens in this row is never closed"),
        (b"a,b\n1,x\0y\n", "a.csv:2: NUL bytes; is it UTF-16? --encoding utf-16"),
        (
            "a,b\n1,2\n".encode("utf-16-le"),
            "a.csv:1: NUL bytes; is it UTF-16? --encoding utf-16",
        ),
        (
            b'a,b\n1,2\n"' + b"x,1\n" * 5_000_000,
            "a.csv:3: a cell of more than 16 MB; is a quote never closed?",
        ),
        (
            b"a,b\n1," + b"x" * 17_000_000,
            "a.csv:2: a cell of more than 16 MB; is a quote never closed?",
        ),
        (b"a" * (2**26 + 1), "a.csv:1: a line of more than 64 MB; is it a text file?"),
    ],
    ids=range(14),
)
def test_csv_faults(write, data, message):
    assert fault(write("a.csv", data)) == message


def test_rows_before_a_fault_are_given(write):
    with open_table(write("a.csv", "a,b\n1,2\n3\n")) as table:
        rows = iter(table)
        assert next(rows).line == 2
        with pytest.raises(DataError, match=r"^a\.csv:3: expected 2 cells, got 1; column 'b'"):
            next(rows)


def test_files_that_cannot_be_read(write, tmp_path):
    write("train.csv", "a\n")
    (tmp_path / "folder").mkdir()
    known = (
        "expected a file whose name ends in one of .csv, .tsv, .tab, .jsonl, .ndjson, .xlsx, "
        ".parquet, .txt, .bib, .ris (text also in .gz, .bz2, .xz)"
    )
    assert fault("tran.csv") == "tran.csv: no such file; did you mean 'train.csv'?"
    assert fault("none/a.csv") == "none/a.csv: no such file; there is no folder 'none'"
    assert fault("train.txt") == "train.txt: no such file; did you mean 'train.csv'?"
    assert fault("folder") == "folder: expected a file, this is a folder"
    assert fault(write("a.pdf", "a")) == f"a.pdf: {known}"
    assert fault(write("noname", "a")) == f"noname: {known}"
    assert fault(write("a.json", "{}")) == f"a.json: {known}; one JSON object a line is .jsonl"
    assert read(write("A.CSV", "a,b\n")) == (["a", "b"], [])
    assert read("a.pdf", kind="csv") == (["a"], [])


def test_jsonl(write):
    lines = [
        {"text": "A", "label": 1, "meta": {"x": [1]}},
        {"label": None, "text": "B\u2028C"},
        {"text": "D", "more": True},
    ]
    data = "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    with open_table(write("a.jsonl", data)) as table:
        assert (table.kind, table.columns) == ("jsonl", ["text", "label", "meta", "more"])
        rows = list(table)
    assert [row.line for row in rows] == [1, 3, 5]
    assert rows[0].values == {"text": "A", "label": 1, "meta": {"x": [1]}, "more": ""}
    assert rows[1].values == {"text": "B\u2028C", "label": None, "meta": "", "more": ""}
    assert rows[2].values == {"text": "D", "label": "", "meta": "", "more": True}
    with pytest.raises(DataError) as caught:
        row_text(rows[0], ["text", "meta"], "a.jsonl")
    assert str(caught.value) == "a.jsonl:1: column 'meta': expected text, got an object"
    assert row_text(rows[1], ["text", "label"], "a.jsonl") == "B\u2028C"


def test_jsonl_rows_beyond_the_first_thousand_may_bring_keys(write):
    lines = ['{"a": 1}'] * 1500 + ['{"b": 2}']
    with open_table(write("a.ndjson", "\n".join(lines))) as table:
        assert table.columns == ["a"]
        rows = list(table)
    assert len(rows) == 1501
    assert rows[-1] == Row(1501, {"a": "", "b": 2})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": 1', "not valid JSON (Expecting ',' delimiter at character 8)"),
        ("text", "not valid JSON (Expecting value at character 1)"),
        ('{"a": NaN}', "not valid JSON (NaN is no JSON value)"),
        ('{"a": 1, "b": 2, "a": 3}', "not valid JSON (the key 'a' stands twice)"),
        ("[1, 2]", "expected a JSON object, got a list"),
        ('"text"', "expected a JSON object, got the value 'text'"),
        ('{"b": 1, "a": ["\\ud83d"]}', "column 'a': half of a \\u surrogate pair"),
        ('{"a": "x\0"}', "NUL bytes; is it UTF-16? --encoding utf-16"),
    ],
)
def test_jsonl_faults(write, line, message):
    assert fault(write("a.jsonl", '{"a": "\\ud83d\\ude00"}\n' + line)) == f"a.jsonl:2: {message}"


def test_jsonl_too_deep_or_empty(write):
    assert fault(write("a.jsonl", '{"a": ' + "[" * 100_000)).startswith("a.jsonl:1: not valid JSON")
    assert fault(write("a.jsonl", "\n")) == "a.jsonl: the file is empty"


def test_xlsx_as_a_person_sees_it(tmp_path):
    rows = [
        ["id", "title", "label"],
        ["01", "NA", 1],
        [1, "  spaced  ", 1.0],
        [1.5, None, True],
        [0.1 + 0.2, datetime.date(2024, 3, 1), datetime.datetime(2024, 3, 1, 12, 30)],
        [],
        [10**15, "#N/A", "a_x000D_b_x"],
        [None, "short"],
    ]
    columns, read_rows = read(sheet(tmp_path / "a.xlsx", rows))
    assert columns == ["id", "title", "label"]
    assert read_rows == [
        (2, "01", "NA", "1"),
        (3, "1", "  spaced  ", "1"),
        (4, "1.5", "", "TRUE"),
        (5, "0.3", "2024-03-01", "2024-03-01 12:30:00"),
        (7, "1000000000000000", "#N/A", "a\rb_x"),
        (8, "", "short", ""),
    ]


def test_xlsx_one_column_keeps_blanks_between(tmp_path):
    path = sheet(tmp_path / "a.xlsx", [[], ["title"], ["A"], [None], [""], ["B"], [None], [None]])
    assert read(path) == (["title"], [(3, "A"), (4, ""), (5, ""), (6, "B")])


def test_xlsx_first_sheet_is_read_and_said(tmp_path, caplog):
    caplog.set_level("INFO", "titlekit")
    path = sheet(tmp_path / "a.xlsx", [["a", "b"], [1, 2]], "Notes", "More")
    assert read(path)[1] == [(2, "1", "2")]
    assert caplog.messages == [f"{path}: read from sheet 'Sheet', not from 'Notes', 'More'"]


def test_xlsx_faults(write, tmp_path):
    none = (
        "not an xlsx workbook (an old .xls or a file with a password is none either); "
        "save it as xlsx or csv"
    )
    assert fault(write("a.xlsx", "a,b\n")) == f"a.xlsx: {none}"
    assert fault(write("a.xlsx", b"")) == f"a.xlsx: {none}"
    assert fault("b.xlsx") == "b.xlsx: no such file; did you mean 'a.xlsx'?"
    assert fault(sheet("a.xlsx", [])) == "a.xlsx: the sheet is empty"
    assert fault(sheet("a.xlsx", [[], ["a", "a"]])) == (
        "a.xlsx:2: two columns named 'a'; the first line is the header"
    )
    assert fault(sheet("a.xlsx", [["a", "b"], [1, 2, None], [1, 2, 3]])) == (
        "a.xlsx:3: expected 2 cells, got 3; the header lacks a name for column C"
    )


def test_a_damaged_sheet(tmp_path):
    path = sheet(tmp_path / "a.xlsx", [["a", "b"], *[[number, "x"] for number in range(2000)]])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    part = "xl/worksheets/sheet1.xml"
    parts[part] = parts[part].replace(b'<c r="B1500"', b'<c <r="B1500"')
    with zipfile.ZipFile(path, "w") as book:
        for name, data in parts.items():
            book.writestr(name, data)
    assert re.fullmatch(
        re.escape(path) + r":1\d\d\d: the sheet is damaged from here on", fault(path)
    )


def test_standard_input(monkeypatch):
    def given(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "ascii"))

    given("\ufefftitle,label\nGödel,1\n".encode())
    assert read("-") == (["title", "label"], [(2, "Gödel", "1")])
    assert not sys.stdin.buffer.closed
    given("标题\t标签\n".encode("gbk"))
    assert read("-", encoding="gbk", kind="tsv") == (["标题", "标签"], [])
    given(b'{"a": "b"}\n')
    assert read("-", kind="jsonl") == (["a"], [(1, "b")])
    given(b"a,b\n" + b"1,2\n" * 20_000 + b"1,\xe9\n3,4\n")
    assert fault("-") == (
        "standard input:20002: byte 0xe9 at character 3 does not decode as utf-8; name the "
        "encoding with "
        "--encoding"
    )
    given(b"")
    assert fault("-") == "standard input: the file is empty"
    given(b"")
    assert fault("-", kind="xlsx") == (
        "standard input: an xlsx cannot be read from a pipe; save it, or use csv"
    )
    with pytest.raises(UsageError, match=r"^--encoding: no character encoding 'gbkk'"):
        read("-", encoding="gbkk")
    assert not sys.stdin.buffer.closed


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no /dev/fd here")
def test_a_pipe_is_read_once():
    source, sink = os.pipe()
    writer = threading.Thread(target=lambda: (os.write(sink, b"a,b\n1,2\n"), os.close(sink)))
    writer.start()
    try:
        assert read(f"/dev/fd/{source}") == (["a", "b"], [(2, "1", "2")])
    finally:
        writer.join()
        os.close(source)


def test_a_left_loop_goes_on_and_the_end_closes(write):
    table = open_table(write("a.csv", "a,b\n1,2\n3,4\n5,6\n"))
    for row in table:
        assert row.line == 2
        break
    assert [row.line for row in table] == [3, 4]
    table.close()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_memory_does_not_grow_with_the_file(write, suffix):
    line = "title,1\n" if suffix == "csv" else '{"title": "x", "label": "1"}\n'
    path = write(f"a.{suffix}", ("a,b\n" if suffix == "csv" else "") + line * 30_000)
    tracemalloc.start()
    try:
        with open_table(path) as table:
            count = sum(1 for _ in table)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 30_000
    assert peak < 4 << 20


def test_what_python_writes_is_read_back(tmp_path):
    cells = ['"', '""', ",", "\n", "\r\n", "a\nb", " x ", "'", "\t", "中,文", '"a"b', "\\"]
    with open(tmp_path / "a.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["a", "b"], *[[cell, "x"] for cell in cells]])
    assert [row[1] for row in read(str(tmp_path / "a.csv"))[1]] == cells


def test_cell_text():
    given = ["x", None, True, False, 3, 3.0, -2.5, 1e300, datetime.date(2024, 1, 2)]
    expected = ["x", "", "true", "false", "3", "3", "-2.5", "1e+300", "2024-01-02"]
    assert [cell_text(value) for value in given] == expected
    for value, word in (({}, "an object"), ([1], "a list")):
        with pytest.raises(ValueError, match=word):
            cell_text(value)


def test_is_blank():
    blanks = ["", " \t\r\n", "\u3000\xa0", "\u200b\ufeff\u200d", "\x00\x1b", "\u202e", "\xad"]
    assert all(is_blank(text) for text in blanks)
    assert not any(is_blank(text) for text in [".", "中", " x", "\u200bx", "0", "😀"])
