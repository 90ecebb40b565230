"""``titlekit data label``: tables joined by a key, rows where their verdict says."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest

from titlekit.core.config import TrainConfig
from titlekit.core.data.load import load_training

EXTRACTED = """doi,title,page
10.1000/a,A Survey of Graph Ker- nels,1
https://doi.org/10.1000/B,Fast Products,2
doi:10.1000/c,Table of Contents,3
10.1000/d,Efﬁcient Indexing¹,4
10.1000/e,A Lost Key,5
,"No, key",6
10.1000/f,Mining frequent pattrens,7
10.1000/g,,8
10.1000/h,A Title of None,9
"""
CATALOGUE = """DOI,name
10.1000/A,A survey of graph kernels
10.1000/b,Fast Products: Sparse Matrices
10.1000/c,A Theory of Program Repair
10.1000/d,Efficient Indexing
10.1000/f,Mining Frequent Patterns
10.1000/f,Mining Other Things
10.1000/g,A Title
10.1000/h,
10.1000/z,Nobody's
"""
LABELLED = """doi,title,page,label,distance,catalogue_title,label_reason
10.1000/a,A Survey of Graph Ker- nels,1,correct,0.000000,A survey of graph kernels,
doi:10.1000/c,Table of Contents,3,wrong,0.772727,A Theory of Program Repair,
10.1000/d,Efﬁcient Indexing¹,4,correct,0.000000,Efficient Indexing,
10.1000/g,,8,wrong,1.000000,A Title,blank
"""
UNSURE = """doi,title,page,label,distance,catalogue_title,label_reason
https://doi.org/10.1000/B,Fast Products,2,unsure,0.538462,Fast Products: Sparse Matrices,subtitle
10.1000/e,A Lost Key,5,unsure,,,no such key
,"No, key",6,unsure,,,no key
10.1000/f,Mining frequent pattrens,7,unsure,0.090909,Mining Frequent Patterns,near
10.1000/h,A Title of None,9,unsure,,,no title in the catalogue
"""
ON = ("--extracted", "a.csv", "--catalogue", "b.csv", "--on", "doi")


@pytest.fixture
def label(console, tmp_path, monkeypatch):
    """Return a function that runs the command on two tables in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(EXTRACTED, encoding="utf-8")
    (tmp_path / "b.csv").write_text(CATALOGUE, encoding="utf-8")
    return lambda *words: console("data", "label", *words)


def read(path):
    return path.read_bytes().decode("utf-8")


def test_each_row_goes_where_its_verdict_says(label, tmp_path):
    code, out, err = label(*ON, "-o", "out.csv")
    assert (code, out) == (
        0,
        "out.csv: correct 2, wrong 2\n"
        "out.unsure.csv: unsure 5 (subtitle 1, no such key 1, no key 1, near 1, no title in the "
        "catalogue 1)\n"
        "next: titlekit train out.csv\n",
    )
    assert err == "1 key of the catalogue has several titles: the nearest one counts\n"
    assert read(tmp_path / "out.csv") == LABELLED
    assert read(tmp_path / "out.unsure.csv") == UNSURE
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.csv", "b.csv", "out.csv", "out.unsure.csv",
    ]  # fmt: skip


def test_what_is_written_is_trained_on_without_the_unsure_rows(label, tmp_path):
    with (tmp_path / "a.csv").open("a", encoding="utf-8") as stream:
        stream.write("10.1000/c,References,10\n")
    label(*ON, "-o", "out.csv")
    data = load_training(TrainConfig(train=["out.csv"], valid="0"))
    assert data.labels == ["correct", "wrong"]
    assert data.positive == "correct"
    assert data.train.texts == [
        "A Survey of Graph Ker- nels", "Table of Contents", "Efﬁcient Indexing¹",
        "References",
    ]  # fmt: skip
    assert data.train.labels.tolist() == [0, 1, 0, 1]
    assert len(data.train.blank_labels) == 1


def test_a_title_column_that_training_would_not_find_is_said(label, tmp_path):
    text = EXTRACTED.replace("doi,title,", "id,what it read,").replace(",page", ",abstract")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    words = ("--extracted", "a.csv", "--catalogue", "b.csv", "--on", "id=DOI", "-o", "out.csv")
    # The usual name is another column's here.
    code, out, _ = label(*words, "--extracted-title", "what it read")
    assert code == 0
    assert out.splitlines()[2] == "next: titlekit train out.csv --text-column 'what it read'"


def test_stdin_and_stdout(label, tmp_path):
    command = [sys.executable, "-m", "titlekit.cli", "data", "label", *ON, "--extracted", "-"]
    done = subprocess.run(command, input=EXTRACTED.encode(), capture_output=True, cwd=tmp_path)
    assert done.stdout.decode() == LABELLED
    assert done.stderr.decode().splitlines()[1:] == [
        "correct 2, wrong 2; left out: unsure 5 (subtitle 1, no such key 1, no key 1, near 1, no "
        "title in the catalogue 1)"
    ]
    code, _, err = label("--extracted", "-", "--catalogue", "-", "--on", "doi", "-o", "x.csv")
    assert code == 2
    assert err == "Error: --extracted - and --catalogue -: only one of the two can be stdin\n"


def test_json_lines_keep_numbers_and_the_counts_are_json(label, tmp_path):
    code, out, _ = label(*ON, "-o", "out.jsonl", "--json")
    assert code == 0
    assert json.loads(out) == {
        "out": "out.jsonl", "rows": 9, "correct": 2, "wrong": 2, "unsure": 5,
        "reasons": {"subtitle": 1, "no such key": 1, "no key": 1, "near": 1,
                    "no title in the catalogue": 1},
        "catalogue_rows": 9, "keys_with_several_titles": 1, "unsure_out": "out.unsure.jsonl",
        "text_column": "",
    }  # fmt: skip
    rows = [json.loads(line) for line in read(tmp_path / "out.jsonl").splitlines()]
    assert rows[0]["distance"] == 0
    unsure = [json.loads(line) for line in read(tmp_path / "out.unsure.jsonl").splitlines()]
    assert unsure[1]["distance"] is None


def test_thresholds_are_options(label, tmp_path):
    words = ("--correct-up-to", "0.1", "--wrong-from", "0.9", "--subtitle", "correct")
    code, out, _ = label(*ON, "-o", "out.csv", *words)
    assert code == 0
    assert out.startswith("out.csv: correct 4, wrong 1\nout.unsure.csv: unsure 4 (")
    code, _, err = label(*ON, "--wrong-from", "0")
    assert (code, err) == (
        2,
        "Error: --correct-up-to 0, --wrong-from 0: expected two numbers from 0 to 1, the first one "
        "smaller\n",
    )


def test_a_catalogue_may_be_any_table(label, tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for row in csv.reader(CATALOGUE.splitlines()):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    code, _, _ = label(
        "--extracted", "a.csv", "--catalogue", "b.xlsx", "--on", "doi", "-o", "o.csv"
    )
    assert code == 0
    assert read(tmp_path / "o.csv") == LABELLED


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--on", "dio"),
            "a.csv: no column 'dio'; did you mean 'doi'? (columns: doi, title, page)",
        ),
        (("--on", "doi=id"), "b.csv: no column 'id' (columns: DOI, name)"),
        (
            ("--on", "page=DOI"),
            "a.csv: none of its keys is in b.csv, which has 9 rows (a key that was looked for: "
            "'9'); --on NAME, or --on EXTRACTED=CATALOGUE, names the columns of the same key",
        ),
        (
            ("--extracted-title", "titel"),
            "a.csv: no column 'titel'; did you mean 'title'? (columns: doi, title, page)",
        ),
        (("-o", "a.csv", "--overwrite"), "-o a.csv is the input itself; choose another name"),
        (("-o", "b.csv", "--overwrite"), "-o b.csv is the input itself; choose another name"),
        (
            ("-o", "out.txt"),
            "-o out.txt: expected a name that ends in .csv, .tsv, .jsonl, or - for stdout",
        ),
        (("-o", "-", "--json"), "--json: stdout carries the rows; name their file with -o FILE"),
        (("--extracted", "c.csv"), "c.csv: no such file; did you mean 'b.csv'?"),
    ],
)
def test_what_cannot_be_labelled_is_one_line_and_leaves_nothing(label, tmp_path, words, message):
    code, _, err = label(*ON, "-o", "out.csv", *words)
    assert (code, err) == (2, f"Error: {message}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_tables_that_do_not_say_which_column_is_the_title(label, tmp_path):
    (tmp_path / "b.csv").write_text("doi,name,year\n10.1000/a,A,1999\n", encoding="utf-8")
    code, _, err = label(*ON, "-o", "out.csv")
    assert (code, err) == (
        2,
        "Error: b.csv: which column is the title? name it with --catalogue-title (columns: doi, "
        "name, year)\n",
    )
    assert label(*ON, "-o", "out.csv", "--catalogue-title", "name")[0] == 0


def test_columns_and_files_that_are_there_are_kept(label, tmp_path):
    (tmp_path / "out.unsure.csv").write_text("mine")
    code, _, err = label(*ON, "-o", "out.csv")
    assert code == 2
    assert err.startswith("Error: -o out.unsure.csv exists; choose another name, or replace it ")
    assert label(*ON, "-o", "out.csv", "--overwrite")[0] == 0
    assert read(tmp_path / "out.unsure.csv") == UNSURE
    text = EXTRACTED.replace(",page", ",label")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    code, _, err = label(*ON, "-o", "out.csv", "--overwrite")
    assert (code, err) == (
        2,
        "Error: a.csv: there is a column 'label' already, which data label would add; rename it or "
        "leave it out\n",
    )
    assert read(tmp_path / "out.csv") == LABELLED


def test_without_the_library_the_extra_is_named(label, monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    code, _, err = label(*ON, "-o", "out.csv")
    assert (code, err) == (
        2,
        'Error: labels by a catalogue need rapidfuzz: pip install "titlekit[label]"\n',
    )
