"""Packed text, plain lines, parquet, BibTeX and RIS: what is read, and which fault is named how."""

import bz2
import datetime
import decimal
import gzip
import io
import lzma
import sys
import tracemalloc

import pyarrow
import pyarrow.parquet
import pytest

from titlekit.core.config import TrainConfig
from titlekit.core.data import extras
from titlekit.core.data.latex import plain_link, plain_text
from titlekit.core.data.load import load_training
from titlekit.core.data.readers import Row, open_table
from titlekit.core.errors import DataError, UsageError

PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
CSV = "title,label\nErdős,1\nGödel,0\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name: str, data: str | bytes) -> str:
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return name

    return write


def read(path, **options):
    with open_table(path, **options) as table:
        return table.columns, [(row.line, *row.values.values()) for row in table]


def rows(path, *columns):
    with open_table(path) as table:
        return [(row.line, *(row.values[name] for name in columns)) for row in table]


def fault(path, **options):
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return str(caught.value)


def train_fault(*paths, **options):
    with pytest.raises((DataError, UsageError)) as caught:
        load_training(TrainConfig(train=list(paths), **options))
    return str(caught.value)


# Packed text


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_text_is_read_as_it_was(write, suffix, caplog):
    pack = PACKERS[suffix]
    assert read(write(f"a.csv{suffix}", pack(CSV.encode()))) == (
        ["title", "label"], [(2, "Erdős", "1"), (3, "Gödel", "0")],
    )  # fmt: skip
    assert read(write(f"b.TSV{suffix.upper()}", pack(b"a\tb\n1\t2\n")))[1] == [(2, "1", "2")]
    assert read(write(f"c.jsonl{suffix}", pack(b'{"a": 1}\n')))[1] == [(1, 1)]
    assert caplog.messages == []
    gb = "标题,标签\n深度学习综述,教育\n数据库系统,计算机\n"
    assert read(write(f"d.csv{suffix}", pack(gb.encode("gb18030"))))[1][0][1] == "深度学习综述"
    assert caplog.messages[0].startswith(f"d.csv{suffix}: not UTF-8; read as gb18030")


@pytest.mark.parametrize(("suffix", "kind"), [(".gz", "gzip"), (".bz2", "bzip2"), (".xz", "xz")])
def test_damaged_packing_is_named_with_its_line(write, suffix, kind):
    name = f"a.csv{suffix}"
    assert fault(write(name, CSV)) == f"{name}: not {kind} data, or damaged from its beginning on"
    lines = "".join(f"{number * 7919 % 100_003},{number}\n" for number in range(20_000))
    packed = PACKERS[suffix](("a,b\n" + lines).encode())
    said = fault(write(name, packed[:-20]))
    if kind == "bzip2":  # it gives whole blocks of 900 kB
        assert said == f"{name}: not {kind} data, or damaged from its beginning on"
    else:
        line, _, rest = said.removeprefix(f"{name}:").partition(":")
        assert rest == f" the {kind} data is damaged or cut off from here on"
        assert 15_000 < int(line) <= 20_002


def test_a_name_that_hides_what_a_file_is(write):
    packed = gzip.compress(b"a,b\n1,2\n" * 50)
    assert fault(write("a.csv", packed)) == "a.csv: this is gzip data; its name should end in .gz"
    pyarrow.parquet.write_table(pyarrow.table({"a": ["é" * 9]}), "b.csv")
    assert fault("b.csv") == "b.csv: this is a parquet file; its name should end in .parquet"
    assert fault(write("a.parquet.gz", packed)) == (
        "a.parquet.gz: a parquet is packed already; unpack it first"
    )
    assert (
        fault(write("a.xlsx.gz", packed)) == "a.xlsx.gz: an xlsx is packed already; unpack it first"
    )


def test_memory_stays_small_whatever_a_packed_file_holds(write):
    path = write("a.csv.gz", gzip.compress(b"title,label\n" + b"A title,1\n" * 80_000))
    tracemalloc.start()
    with open_table(path) as table:
        assert sum(1 for _ in table) == 80_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # a MB at a time is looked at first


# Plain lines


def test_a_text_a_line(write):
    assert read(write("a.txt", "One\n\n Two, \"2\"\r\nThree\rhalf\n")) == (
        ["text"], [(1, "One"), (2, ""), (3, ' Two, "2"'), (4, "Three\rhalf")],
    )  # fmt: skip
    assert read(write("b.txt", "")) == (["text"], [])
    assert read(write("c.txt.gz", gzip.compress("Gödel".encode())))[1] == [(1, "Gödel")]


def test_texts_without_labels_are_refused_with_what_to_do(write):
    assert train_fault(write("good.txt", "One\nTwo\n")) == (
        "good.txt: plain lines have no labels; train on a folder with positive.txt and "
        "negative.txt, on a table, or make wrong titles from correct ones: titlekit data make "
        "--from good.txt --out FOLDER"
    )
    assert train_fault(write("refs.bib", "@misc{a, title={One}}\n")) == (
        "refs.bib: a bibliography has titles and no labels; make wrong ones from them: "
        "titlekit data make --from refs.bib --out FOLDER"
    )
    kinds = "".join(f"@{kind}{{k, title={{{kind} {n}}}}}\n" for kind in ("book", "misc")
                    for n in range(3))  # fmt: skip
    data = load_training(
        TrainConfig(train=[write("all.bib", kinds)], label_column="type", valid="0")
    )
    assert (data.labels, data.train.texts[0]) == (["book", "misc"], "book 0")


def test_a_folder_of_packed_titles(write, tmp_path):
    (tmp_path / "data").mkdir()
    write("data/positive.txt.gz", gzip.compress("A Title\nErdős\n".encode()))
    write("data/negative_train.txt.xz", lzma.compress(b"Abstract\nPage 1\n"))
    write("data/test.csv.gz", gzip.compress(b"title,label\nA,Y\n"))
    write("data/test.txt", "not a table\n")
    data = load_training(TrainConfig(train=["data"], valid="0"))
    assert data.train.texts == ["A Title", "Erdős", "Abstract", "Page 1"]
    assert data.train.labels.tolist() == [1, 1, 0, 0]
    write("data/positive.txt", "Another\n")
    assert train_fault("data") == (
        "data: expected one positive.txt, found positive.txt, positive.txt.gz"
    )


# Parquet


def test_parquet_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pyarrow.table({
        "title": ["NA", None, "Erdős"],
        "label": pyarrow.array(["a", "b", "a"]).dictionary_encode(),
        "n": pyarrow.array([1, None, 2**60], pyarrow.int64()),
        "x": pyarrow.array([0.5, float("nan"), 3.0], pyarrow.float64()),
        "day": [datetime.date(2020, 1, 2), None, None],
        "at": pyarrow.array([1_600_000_000_123_456_789, None, 0], pyarrow.timestamp("ns")),
        "price": [decimal.Decimal("1.50"), None, None],
        "raw": ["é".encode(), None, b""],
        "more": [[1, 2], None, []],
    })  # fmt: skip
    pyarrow.parquet.write_table(table, "a.parquet")
    columns, found = read("a.parquet")
    assert columns == table.column_names
    assert found == [
        (1, "NA", "a", 1, 0.5, "2020-01-02", "2020-09-13 12:26:40.123456789", "1.50", "é", [1, 2]),
        (2, None, "b", None, None, None, None, None, None, None),
        (3, "Erdős", "a", 2**60, 3.0, None, "1970-01-01 00:00:00.000000000", None, "", []),
    ]


def test_parquet_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    titles = [f"Title number {n}" for n in range(20)]
    pyarrow.parquet.write_table(
        pyarrow.table({"title": titles, "label": [n % 2 for n in range(20)]}), "a.parquet"
    )
    data = load_training(TrainConfig(train=["a.parquet"], valid="0"))
    assert (data.labels, data.train.texts, data.train.lines[-1]) == (["0", "1"], titles, 20)


def test_parquet_faults(write, tmp_path):
    assert fault(write("a.parquet", "no parquet")).startswith(
        "a.parquet: not a parquet file, or a damaged one (Parquet magic bytes not found"
    )
    assert fault("b.parquet") == "b.parquet: no such file; did you mean 'a.parquet'?"
    pyarrow.parquet.write_table(pyarrow.table({"t": ["a"], "raw": [b"\xff"]}), "a.parquet")
    assert fault("a.parquet") == "a.parquet:1: column 'raw': a value of type binary that is no text"
    two = pyarrow.table([pyarrow.array(["a"])] * 2, names=["t", "t"])
    pyarrow.parquet.write_table(two, "a.parquet")
    assert fault("a.parquet") == "a.parquet: two columns named 't'"
    pyarrow.parquet.write_table(pyarrow.table({"t": []}).select([]), "a.parquet")
    assert fault("a.parquet") == "a.parquet: the file has no columns"


def test_parquet_damaged_inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pyarrow.table({"t": [f"title {n * 7919 % 100_003}" for n in range(100_000)]})
    pyarrow.parquet.write_table(table, "a.parquet", row_group_size=20_000, use_dictionary=False)
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 50] = bytes(50)
    (tmp_path / "a.parquet").write_bytes(data)
    said = fault("a.parquet")
    line, _, rest = said.removeprefix("a.parquet:").partition(":")
    assert rest.startswith(" the file is damaged from this row on (")
    assert 20_000 < int(line) <= 60_001


@pytest.mark.parametrize(
    ("name", "extra", "library"),
    [("a.parquet", "parquet", "pyarrow"), ("a.bib", "bibliography", "bibtexparser"),
     ("a.ris", "bibliography", "rispy")],
)  # fmt: skip
def test_a_missing_library_is_named_with_its_extra(write, name, extra, library, monkeypatch):
    write(name, "x")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError) as caught:
        read(name)
    assert str(caught.value) == (
        f'{name}: this kind of file needs {library}: pip install "titlekit[{extra}]"'
    )
    assert extras.need("json", "x", "y").loads("1") == 1


# BibTeX


BIB = r"""
% kept by hand
@string{jgaa = "Journal of Graph " # {Algorithms}}
@comment{jabref-meta: databaseType:bibtex;}

@article{godel31,
  title     = {{\"U}ber formal unentscheidbare S{\"a}tze der \emph{Principia Mathematica}},
  author    = {G{\"o}del, Kurt and Erd\H{o}s, P{\'a}l},
  year      = 1931,
  journal   = jgaa # " I",
  doi       = {10.1007/BF01700692\_1}
}

@InProceedings(knuth,
  Title = "On $\alpha$-stable {NP}-hard problems: 10% of {LaTeX} \& {\TeX}
           users",
  BookTitle = "Proc. of X", date = {2019-05-03}, url = {http://a.b/~c_d}
)
@book{untitled, author = {Nobody}}
@book{untitled, title = {The Same Key}, title = {Again}}
"""


def test_bibtex(write):
    columns, found = read(write("refs.bib", BIB))
    assert columns == [
        "title", "author", "year", "journal", "doi", "url", "abstract", "keywords", "type", "key",
    ]  # fmt: skip
    assert found == [
        (6, "Über formal unentscheidbare Sätze der Principia Mathematica",
         "Gödel, Kurt and Erdős, Pál", "1931", "Journal of Graph Algorithms I",
         "10.1007/BF01700692_1", "", "", "", "article", "godel31"),
        (14, "On α-stable NP-hard problems: 10% of LaTeX & TeX users", "", "2019", "Proc. of X",
         "", "http://a.b/~c_d", "", "", "inproceedings", "knuth"),
        (19, "", "Nobody", "", "", "", "", "", "", "book", "untitled"),
        (20, "The Same Key", "", "", "", "", "", "", "", "book", "untitled"),
    ]  # fmt: skip


def test_bibtex_is_read_in_pieces(write):
    entries = "".join(
        f"@article{{k{n},\n  title = {{Title {n}}},\n  journal = j,\n"
        f"  abstract = {{{'word ' * 2500}}}\n}}\n\n" for n in range(120)
    )  # fmt: skip
    path = write("refs.bib", "@string{j = {Journal}}\n" + entries)
    assert rows(path, "title", "journal") == [
        (2 + 6 * n, f"Title {n}", "Journal") for n in range(120)
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "a.bib: no entry such as @article{key, title = {…}}"),
        ("Some text\nand more\n", "a.bib: no entry such as @article{key, title = {…}}"),
        (
            "@misc{a, title={One}}\n\n@misc{b,\n  title={Two}\n@misc{c, title={Three}}\n",
            "a.bib:3: an entry that cannot be read, '@misc{b,': unexpected block start: `@misc`. "
            "Was still looking for field-value closing `,` or `}`",
        ),
        (
            "@misc{a, title={One}}\n@misc{b, title={Two\n",
            "a.bib:2: an entry that cannot be read, '@misc{b, title={Two': unexpectedly reached "
            "end of file",
        ),
        (
            "@misc{a title={One}}\n",
            "a.bib:1: an entry that cannot be read, '@misc{a title=': expected comma after entry "
            "key, but found =",
        ),
    ],
)
def test_bibtex_faults(write, data, message, caplog):
    assert fault(write("a.bib", data)) == message
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\'{e}\`a\^{\i}{\ss}\o{\aa}\c{c}{\v s}\L{}odz", "éàîßøåçšŁodz"),
        (r"The {\em BERT} \textbf{m}odel \texttt{code} \url{x_y}", "The BERT model code x_y"),
        (r"$n^2$ in $\mathcal{O}(n \log n)$", "n^2 in O(n log n)"),
        (r"100\% of R\&D, 50% of \#1 & Co", "100% of R&D, 50% of #1 & Co"),
        ("{DNA}---{RNA} pages 1--7 ``so''", "DNA—RNA pages 1–7 “so”"),
        ("It costs $5\n  or so", "It costs $5 or so"),
        (r"\LaTeX{} and \BibTeX", "LaTeX and BibTeX"),
        (r"\href{http://x}{Link} \unknown{kept}", "Link kept"),
        ("plain", "plain"),
    ],
)
def test_latex_as_text(latex, text):
    assert plain_text(latex) == text


def test_what_latex_cannot_say_stays():
    assert plain_text("{" * 3000 + "\\x") == "{" * 3000 + "\\x"
    assert plain_link("10.1000/a\\_b\n c~d") == "10.1000/a_bc~d"


# RIS


RIS = (
    "Provider: Somebody\r\n\r\nTY  - JOUR\r\nTI  - Über\r\n  two lines\r\nAU  - Gödel, K.\r\n"
    "AU  - Erdős, P.\r\nPY  - 1931/05//\r\nJO  - J. Math.\r\nDO  - 10.1/x\r\nUR  - http://a;http://b"
    "\r\nKW  - logic\r\nKW  - proof\r\nAB  - We.\r\nID  - k1\r\nZZ  - odd\r\nER  - \r\n\r\n"
    "TY  - BOOK\nT1  - Another\nY1  - 2001\nER  -\n"
)


def test_ris(write):
    columns, found = read(write("refs.ris", RIS))
    assert columns[0] == "title"
    assert found == [
        (3, "Über two lines", "Gödel, K. and Erdős, P.", "1931", "J. Math.", "10.1/x",
         "http://a and http://b", "We.", "logic; proof", "JOUR", "k1"),
        (19, "Another", "", "2001", "", "", "", "", "", "BOOK", ""),
    ]  # fmt: skip
    assert rows(write("packed.ris.gz", gzip.compress(RIS.encode())), "title")[1] == (19, "Another")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "a.ris: no entry that begins with a line TY  - JOUR"),
        ("words\n", "a.ris: no entry that begins with a line TY  - JOUR"),
        ("TY  - JOUR\nTI  - One\n", "a.ris:1: the entry has no line ER  - at its end"),
        (
            "TY  - JOUR\nTI  - One\nTY  - JOUR\nER  -\n",
            "a.ris:1: the entry has no line ER  - at its end",
        ),
        (
            "TY  - A\nER  -\nTI  - One\nER  -\n",
            "a.ris:3: 'TI  - One' stands in no entry; TY begins one",
        ),
    ],
)
def test_ris_faults(write, data, message):
    assert fault(write("a.ris", data)) == message


# Standard input


def test_every_lined_kind_comes_from_a_pipe(monkeypatch):
    def given(data, kind):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
        with open_table("-", kind=kind) as table:
            return table.kind, [next(iter(row.values.values())) for row in table]

    assert given("One\nTwo\n", "txt") == ("txt", ["One", "Two"])
    assert given("@misc{a, title={One}}", "bib") == ("bib", ["One"])
    assert given(RIS, "ris") == ("ris", ["Über two lines", "Another"])
    assert given(CSV, "") == ("csv", ["Erdős", "Gödel"])
    with pytest.raises(DataError, match=r"^standard input: a parquet cannot be read from a pipe;"):
        open_table("-", kind="parquet")


def test_a_row_names_its_place(write):
    with open_table(write("a.txt", "One\n")) as table:
        assert list(table) == [Row(1, {"text": "One"})]
