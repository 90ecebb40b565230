"""Whatever a file holds: its rows or one clear error, and no row that is lost in between."""

import bz2
import csv
import gzip
import io
import json
import lzma

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from titlekit.core.data.folder import read_titles
from titlekit.core.data.readers import LINED, SUFFIXES, Row, open_table
from titlekit.core.data.writers import row_writer
from titlekit.core.errors import DataError

PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
FEW = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def sheet():
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in (["title", "label"], ["Erdős", 1], ["Gödel", None]):
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


def parquet():
    stream = io.BytesIO()
    table = pyarrow.table({"title": ["Erdős", None], "label": [1, 2], "x": [[1.5], []]})
    pyarrow.parquet.write_table(table, stream)
    return stream.getvalue()


SOUND = {
    "csv": 'title,label\n"Erdős, ""P""",1\nGödel,0\n'.encode(),
    "tsv": "title\tlabel\nErdős\t1\n".encode(),
    "jsonl": '{"title": "Erdős", "n": [1, {"a": null}]}\n{"title": "\\ud83d\\ude00"}\n'.encode(),
    "txt": "Erdős\n\nGödel\r\n".encode(),
    "bib": b'@string{j = "J"}\n@article{k,\n title = {Erd{\\H o}s}, journal = j # " x"\n}\n',
    "ris": "TY  - JOUR\nTI  - Erdős\n  goes on\nER  - \n".encode(),
    "xlsx": sheet(),
    "parquet": parquet(),
}


ODD = st.sampled_from([b'"', b"{", b"}", b"\0", b"\r", b"\n", b"\xff", b"\xe4\xb8", b"TY  -"])


@st.composite
def damaged(draw, sound):
    """A sound file with some bytes cut out, replaced, put in or said twice."""
    data = bytearray(sound)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        data[start:end] = draw(st.one_of(st.binary(max_size=8), ODD, st.just(data[start:end] * 2)))
    return bytes(data)


def rows_or_error(path):
    """Return a table's rows, or None where it is refused in one line that names the file."""
    said = ""
    try:
        with open_table(str(path)) as table:
            return [row.values for row in table]
    except DataError as error:
        said = str(error)
    assert said.startswith(str(path))
    assert "\n" not in said
    return None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_bytes_are_rows_or_one_error(tmp_path, suffix):
    @FEW
    @given(st.one_of(st.binary(max_size=300), damaged(SOUND[SUFFIXES[suffix]])))
    def check(data):
        path = tmp_path / f"any{suffix}"
        path.write_bytes(data)
        rows_or_error(path)

    check()


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz"])
def test_packed_bytes_are_rows_or_one_error(tmp_path, packing):
    sound = PACKERS[packing](SOUND["csv"] * 20)

    @FEW
    @given(st.one_of(st.binary(max_size=60), damaged(sound)))
    def check(data):
        path = tmp_path / f"any.csv{packing}"
        path.write_bytes(data)
        rows_or_error(path)

    check()


@FEW
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_two_files_are_a_folder_of_titles_or_one_error(tmp_path, good, bad):
    (tmp_path / "positive.txt").write_bytes(good)
    (tmp_path / "negative.txt").write_bytes(bad)
    try:
        rows, said = read_titles(str(tmp_path)), str(tmp_path)
    except DataError as error:
        rows, said = None, str(error)
    assert said.startswith(str(tmp_path))
    if rows and good.isascii() and bad.isascii():  # else the encoding says what a line is
        ends = good.count(b"\n") + bad.count(b"\n")
        ends += (good[-1:] not in (b"", b"\n")) + (bad[-1:] not in (b"", b"\n"))
        assert len(rows.texts) + len(rows.blank_lines) == ends


# Round trips

TEXT = st.text(
    st.one_of(
        st.sampled_from("\",;\t\n\r'0 {}\\=-\u2028\x1b\x85\ufeff"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=10,
)
TABLE = st.lists(st.lists(TEXT, min_size=2, max_size=2), min_size=1, max_size=5)


def write(path, kind, records, packing):
    names = ["title", "ü x"]
    stream = io.StringIO(newline="")
    if kind in ("csv", "tsv", "jsonl"):
        source = io.StringIO()
        csv.writer(source).writerow(names)
        (path.parent / "head.csv").write_text(source.getvalue())
        with open_table(str(path.parent / "head.csv")) as table:
            put = row_writer(stream, kind, table, [], "test")
            for number, record in enumerate(records, 2):
                put(Row(number, dict(zip(names, record, strict=True))), [])
    path.write_bytes(PACKERS[packing](stream.getvalue().encode()))


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_what_is_written_reads_back(tmp_path, kind, packing):
    @settings(FEW, max_examples=25)
    @given(TABLE)
    def check(records):
        path = tmp_path / f"a.{kind}{packing}"
        write(path, kind, records, packing)
        found = rows_or_error(path)
        assert found is not None
        assert [list(values.values()) for values in found] == records

    check()


@FEW
@given(TABLE)
def test_parquet_reads_back(tmp_path, records):
    path = tmp_path / "a.parquet"
    columns = [list(column) for column in zip(*records, strict=True)]
    pyarrow.parquet.write_table(pyarrow.table(columns, names=["title", "ü x"]), path)
    assert [list(values.values()) for values in rows_or_error(path)] == records


@FEW
@given(st.lists(TEXT.filter(lambda text: not text.startswith("\ufeff")), min_size=1, max_size=5))
def test_plain_lines_read_back_or_hold_a_line_end(tmp_path, texts):
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8", newline="")
    found = [values["text"] for values in rows_or_error(path)]
    if not any("\n" in text or text.endswith("\r") for text in texts):
        assert found == texts


def test_every_kind_has_a_sound_file_here(tmp_path):
    assert set(SOUND) == set(SUFFIXES.values())
    for kind, data in SOUND.items():
        for packing, pack in PACKERS.items():
            if packing and kind not in LINED:
                continue
            path = tmp_path / f"a.{kind}{packing}"
            path.write_bytes(pack(data))
            assert "Erdős" in json.dumps(rows_or_error(path), ensure_ascii=False)
