"""``titlekit data make`` as it is typed."""

from __future__ import annotations

import csv
import hashlib
import json

import pytest

GOOD = "A Theory of Maps\n\nRings and Fields\nOn the Origins of Type Theory\n"


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.txt"
    path.write_text(GOOD, "utf-8")
    return str(path)


def test_a_folder_has_a_table_and_says_how_it_was_made(console, tmp_path):
    out = tmp_path / "made"
    code, shown, err = console("data", "make", "--rows", "300", "--seed", "7", "--out", str(out))
    assert (code, err) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "titles.csv"]
    with (out / "titles.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["title", "label", "kind"]
    assert [row["label"] for row in rows].count("correct") == 150
    assert shown.startswith(f"{out}/titles.csv: 300 rows: correct 150, ")
    assert shown.endswith(f"next: titlekit train {out}/titles.csv\n")
    page = (out / "README.md").read_text("utf-8")
    assert "with seed 7 from a grammar" in page
    assert hashlib.sha256((out / "titles.csv").read_bytes()).hexdigest() in page
    assert "| correct | 150 | 50.0 % |" in page


def test_the_file_is_the_same_everywhere(console, tmp_path):
    out = tmp_path / "made"
    told = json.loads(console("data", "make", "--rows", "100", "--out", str(out), "--json")[1])
    assert told["sha256"] == "0c2f378bc3248406c4617f13e1c763b57d8426492e8b1bfc3830f4486ad64fbb"
    assert told["rows"] == sum(told["kinds"].values()) == 100
    assert (told["seed"], told["from"], told["out"]) == (42, [], str(out / "titles.csv"))


def test_good_titles_alone_are_enough_to_train(console, tmp_path, good):
    out = tmp_path / "made"
    code, shown, err = console("data", "make", "--from", good, "--out", str(out))
    assert code == 0, err
    assert shown.startswith(f"{out}/titles.csv: 6 rows: correct 3, ")
    assert "3 titles; left out: 1 blank, 0 that repeat" in err
    run = tmp_path / "run"
    words = ["--model", "tfidf-lr", "--valid", "0", "--out", str(run)]
    assert console("train", str(out / "titles.csv"), *words)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rows", "1"], "Error: --rows: expected a whole number of at least 2, got 1"),
        ([], "Error: --rows: how many? without --from any number can be made"),
        (["--rows", "9", "--seed", "-1"],
         "Error: --seed: expected a whole number of at least 0, got -1"),
        (["--rows", "9", "--encoding", "big5"],
         "Error: --text-column and --encoding are about the file of --from; name one"),
        (["--from", "nowhere.txt"], "Error: nowhere.txt: no such file"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(console, tmp_path, words, said):
    code, shown, err = console("data", "make", *words, "--out", str(tmp_path / "made"))
    assert (code, shown) == (2, "")
    assert err.startswith(said)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(console, tmp_path):
    out = tmp_path / "made"
    out.mkdir()
    assert console("data", "make", "--rows", "10", "--out", str(out))[0] == 0
    code, _, err = console("data", "make", "--rows", "10", "--out", str(out))
    assert code == 2
    assert err == f"Error: --out {out} exists and is not empty; choose another folder\n"
    file = tmp_path / "file"
    file.write_text("")
    told = console("data", "make", "--rows", "9", "--out", str(file))[2]
    assert told == f"Error: --out {file}: that is a file; name a folder\n"
    deep = tmp_path / "a" / "b"
    told = console("data", "make", "--rows", "9", "--out", str(deep))[2]
    assert told == f"Error: --out {deep}: there is no folder {str(tmp_path / 'a')!r}\n"


def test_nothing_is_left_of_a_folder_that_failed(tmp_path):
    from titlekit.core.data.titles.folder import write_titles
    from titlekit.core.data.titles.maker import make_rows

    def broken():
        yield from make_rows(20, 1)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_titles(tmp_path / "made", broken(), 40, {"titlekit": "0", "seed": 1}, None)
    assert list(tmp_path.iterdir()) == []
