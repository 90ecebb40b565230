"""Confident learning by hand, suspects in a file, and fixes that go back into the data."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from console import write_table
from titlekit import DataError, UsageError
from titlekit.core.config import TrainConfig
from titlekit.core.data.apply_fixes import apply_fixes
from titlekit.core.data.load import read_training
from titlekit.core.data.synthetic import make_titles
from titlekit.core.evidence.suspects import confident_classes, find_suspects, self_confidence
from titlekit.core.suspects import suspicious_rows


def read(path):
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def fill(path, fixes):
    """Fill in the column fix: line, or (file, line) -> fix; "all" for every row."""
    rows = read(path)
    for row in rows:
        key = (Path(row["file"]).name, int(row["line"])) if "file" in row else int(row["line"])
        row["fix"] = fixes.get(key, fixes.get("all", ""))
    write(path, rows)


def write(path, rows):
    with Path(path).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def table_of(path, rows, columns="line,text,label,suggested,score,fix"):
    names = columns.split(",")
    write(path, [dict(zip(names, row, strict=True)) for row in rows])
    return str(path)


# The formulas


def test_thresholds_and_the_confident_joint_by_hand():
    labels = np.array([0, 0, 0, 1, 1])
    chances = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    found = find_suspects(labels, chances)
    # t_0 = (0.9 + 0.7 + 0.2) / 3, t_1 = (0.6 + 0.9) / 2; row 3 reaches neither.
    assert found.thresholds.tolist() == pytest.approx([0.6, 0.75])
    assert confident_classes(chances, found.thresholds).tolist() == [0, 0, 1, -1, 1]
    assert (found.rows.tolist(), found.suggested.tolist()) == ([2], [1])
    assert found.scores.tolist() == pytest.approx([(0.8 - 0.75) - (0.2 - 0.6)])
    # Counted (2, 1; 0, 1), each line scaled to the 3 and 2 rows of its label.
    assert found.joint.tolist() == [pytest.approx([2, 1]), pytest.approx([0, 2])]
    assert found.wrong == pytest.approx(1)


def test_three_classes_by_hand():
    labels = np.array([0, 0, 1, 1, 2, 2, 2])
    chances = np.array([
        [0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8],
        [0.3, 0.5, 0.2], [0.0, 0.4, 0.6],
    ])  # fmt: skip
    # t = (0.5, 0.5, 1.6 / 3): row 1 counts for 2, row 3 for 0, row 5 for 1.
    found = find_suspects(labels, chances)
    assert found.thresholds.tolist() == pytest.approx([0.5, 0.5, 1.6 / 3])
    margins = {
        1: (0.6 - 1.6 / 3) - (0.2 - 0.5), 3: (0.5 - 0.5) - (0.3 - 0.5),
        5: (0.5 - 0.5) - (0.2 - 1.6 / 3),
    }  # fmt: skip
    order = sorted(margins, key=lambda row: -margins[row])
    assert found.rows.tolist() == order == [1, 5, 3]
    assert found.scores.tolist() == pytest.approx([margins[row] for row in order])
    assert found.joint.tolist() == [
        pytest.approx([1, 0, 1]), pytest.approx([1, 1, 0]), pytest.approx([0, 1, 2]),
    ]  # fmt: skip
    assert found.wrong == pytest.approx(3)


def test_a_class_without_confident_rows_and_one_without_any():
    labels = np.array([0, 0, 1, 1])
    chances = np.array([[0.6, 0.4, 0], [0.6, 0.4, 0], [0.7, 0.3, 0], [0.5, 0.5, 0]])
    assert np.isnan(self_confidence(labels, chances, 3)[2])
    found = find_suspects(labels, chances)
    # t = (0.6, 0.4): equal probabilities reach their own mean; no row counts for class 2.
    assert found.rows.tolist() == [2]
    assert found.joint[2].tolist() == [0, 0, 0]
    assert found.joint.sum() == pytest.approx(4)
    nothing = find_suspects(np.zeros(0, np.int64), np.zeros((0, 2)))
    assert (len(nothing.rows), nothing.wrong) == (0, 0)


def test_planted_labels_come_first():
    rng = np.random.default_rng(3)
    true = rng.integers(0, 3, 600)
    chances = np.eye(3)[true] * 3 + rng.normal(0, 1, (600, 3))
    chances = np.exp(chances) / np.exp(chances).sum(axis=1, keepdims=True)
    planted = true.copy()
    wrong = rng.choice(600, 30, replace=False)
    planted[wrong] = (planted[wrong] + 1) % 3
    found = find_suspects(planted, chances)
    caught = set(found.rows.tolist()) & set(wrong.tolist())
    assert len(caught) >= max(20, 0.9 * len(found.rows))
    assert (found.suggested == true[found.rows]).mean() > 0.9
    assert found.wrong == pytest.approx(30, rel=0.4)
    assert np.all(np.diff(found.scores) <= 0)


# On the command line


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """200 titles, of which 8 bear the other label, and two blank ones."""
    path = tmp_path_factory.mktemp("data") / "titles.csv"
    texts, labels = make_titles(200, 5)
    wrong = set(range(10, 200, 25))
    lines = [("year", "title", "label", "note")]
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        if row in wrong:
            label = {"wrong": "correct", "correct": "wrong"}[label]
        lines.append((str(1990 + row % 9), text, label, 'a, "b"'))
    lines.insert(5, ("", "", "wrong", ""))
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(lines)
    return path


@pytest.fixture(scope="module")
def suspects(planted):
    return suspicious_rows(TrainConfig(train=[str(planted)], model="tfidf-lr", folds=5, valid="0"))


def test_check_writes_suspects_to_fill_in(planted, suspects, console, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = console("check", planted, "--suspects")
    assert code == 0, err
    rows, data = read("suspects.csv"), dict(enumerate(read(planted), 2))
    assert list(rows[0]) == ["rank", "line", "text", "label", "suggested", "score", "fix"]
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    for row in rows:
        assert (row["text"], row["label"]) == tuple(
            data[int(row["line"])][name] for name in ("title", "label")
        )
        assert row["suggested"] != row["label"]
        assert row["fix"] == ""
    found = suspects.suspects
    assert [int(row["line"]) for row in rows] == [suspects.data.lines[n] for n in found.rows]
    assert f"200 rows: an estimated {found.wrong:.0f} labels are wrong" in out
    assert f"{len(rows)} suspects, the likeliest wrong first" in out
    assert "labelled \\ estimated  correct  wrong" in out
    assert (
        "Next: fill in its column fix (a label, drop, or ok), then titlekit data apply-fixes "
        f"suspects.csv {planted} -o FIXED" in out
    )
    code, out, err = console("check", planted, "--suspects", "again.csv", "--json", "--folds", 5)
    assert json.loads(out)["estimated_wrong"] == pytest.approx(found.wrong, abs=0.01)
    assert Path("again.csv").read_bytes() == Path("suspects.csv").read_bytes()
    code, out, err = console("check", planted, "--suspects")
    assert (code, err) == (2, (
        "Error: --suspects suspects.csv exists; apply its fixes first, choose another name, or "
        "replace it with --overwrite\n"
    ))  # fmt: skip


def test_the_answers_of_a_finished_training_are_used(planted, console, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = console(
        "train", planted, "--model", "tfidf-lr", "--folds", 5, "--valid", 0, "--out", "cv"
    )
    assert code == 0, err
    assert console("check", planted, "--suspects", "a.csv")[0] == 0
    words = ("check", planted, "--suspects", "b.csv", "--from", "cv/out_of_fold.csv")
    code, _, err = console(*words)
    assert code == 0, err
    first, second = read("a.csv"), read("b.csv")
    assert [row["line"] for row in first] == [row["line"] for row in second]
    for one, other in zip(first, second, strict=True):
        assert float(one["score"]) == pytest.approx(float(other["score"]), abs=5e-6)
    code, _, err = console(*words, "--model", "tiny", "--overwrite")
    assert err == ("Error: --from cv/out_of_fold.csv has the answers already; leave out --model\n")
    rows = read("cv/out_of_fold.csv")
    rows[0]["text"] = "another"
    write("other.csv", rows)
    whole = read_training(TrainConfig(train=[str(planted)])).train
    with pytest.raises(DataError) as error:
        suspicious_rows(TrainConfig(train=[str(planted)]), answers="other.csv")
    assert str(error.value).startswith("other.csv:2: column 'text': 'another', and ")
    assert str(error.value).endswith("; expected the out_of_fold.csv of these rows")
    write("short.csv", read("cv/out_of_fold.csv")[:50])
    with pytest.raises(DataError) as error:
        suspicious_rows(TrainConfig(train=[str(planted)]), answers="short.csv")
    assert str(error.value) == (
        f"short.csv: 49 answers, and {whole.name} has 200 rows with a text; expected the "
        "out_of_fold.csv of these rows"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("--suspects", "titles.txt"),
            "--suspects titles.txt: expected a name that ends in .csv, the file to write; the data "
            "comes before --suspects",
        ),
        (("--suspects", "DATA"), "--suspects DATA is data; choose another name"),
        (
            ("--suspects", "no/where.csv"),
            "--suspects no/where.csv: expected a file in a folder that is there",
        ),
        (
            ("--suspects", "a.csv", "--html", "a.html"),
            "--suspects ranks labels and nothing else; leave out --html",
        ),
        (("--from", "a.csv"), "--from goes with --suspects"),
        (
            ("--suspects", "a.csv", "--epochs", 2),
            "--model tfidf-lr has no encoder and is fitted on the CPU; leave out --epochs",
        ),
    ],
)
def test_what_is_refused(planted, console, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    words = [str(planted) if word == "DATA" else word for word in words]
    before = planted.read_bytes()
    code, out, err = console("check", planted, *words)
    assert (code, out, err) == (2, "", f"Error: {text.replace('DATA', str(planted))}\n")
    assert planted.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


def test_another_model_and_second_texts(tmp_path, console, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"one {n} {'ab'[n % 2]},other {n},{'yes' if n % 2 else 'no'}" for n in range(24)]
    Path("pairs.csv").write_text("a,b,label\n" + "\n".join(lines) + "\n")
    code, _, err = console(
        "check", "pairs.csv", "--suspects", "--folds", 2, "--text-column", "a",
        "--text-pair-column", "b", "--model", "tiny", "--epochs", 1, "--device", "cpu",
    )  # fmt: skip
    assert code == 0, err
    assert (
        Path("suspects.csv")
        .read_text()
        .startswith("rank,line,text,text_pair,label,suggested,score,fix\n")
    )


# Fixes


def test_fixes_change_what_they_name_and_nothing_else(planted, console, tmp_path):
    target, out = tmp_path / "s.csv", tmp_path / "mended.csv"
    assert console("check", planted, "--suspects", target)[0] == 0
    lines = [int(row["line"]) for row in read(target)][:4]
    given = dict(enumerate(read(planted), 2))
    other = {"correct": "wrong", "wrong": "correct"}
    fill(target, {lines[0]: other[given[lines[0]]["label"]], lines[1]: "Drop", lines[2]: " OK ",
                  lines[3]: given[lines[3]]["label"]})  # fmt: skip
    code, said, err = console("data", "apply-fixes", target, planted, "-o", out)
    assert code == 0, err
    assert f"201 rows read, 200 written to {out}: 1 relabelled, 1 dropped" in said
    expected = {n: dict(row) for n, row in given.items()}
    expected[lines[0]]["label"] = other[given[lines[0]]["label"]]
    del expected[lines[1]]
    assert read(out) == list(expected.values())
    code, said, err = console("data", "apply-fixes", target, planted, "-o", out, "--overwrite",
                              "--json")  # fmt: skip
    found = json.loads(said)
    assert (found["relabelled"], found["dropped"], found["confirmed"]) == (1, 1, 2)
    assert found["not_filled_in"] == len(read(target)) - 4


def test_mended_data_have_no_rows_to_mend_again(planted, tmp_path):
    """Without a fix the table comes back as it is; with all labels set back, so does the data."""
    rows = [[str(n), row["title"], row["label"], "", "", row["label"]]
            for n, row in enumerate(read(planted), 2) if row["title"]]  # fmt: skip
    done = apply_fixes(table_of(tmp_path / "s.csv", rows), [str(planted)], str(tmp_path / "o.csv"))
    assert (done["relabelled"], done["confirmed"]) == (0, 200)
    assert read(tmp_path / "o.csv") == read(planted)


def test_jsonl_keeps_its_values(tmp_path):
    data = tmp_path / "d.jsonl"
    rows = [{"text": "one\r\ntwo", "label": 1, "x": [1]}, {"text": "b", "label": 0, "x": None}]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    target = table_of(tmp_path / "s.csv", [["1", "one\r\ntwo", "1", "0", "1", "0"]])
    apply_fixes(target, [str(data)], str(tmp_path / "o.jsonl"))
    found = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert found == [rows[0] | {"label": 0}, rows[1]]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "titles"
    place.mkdir()
    (place / "positive_train.txt").write_bytes("A Théory of A\r\nof C\n\nB \rB\nlast".encode())
    (place / "negative.txt").write_bytes(b"Abstract\nGraphs and Trees\n")
    (place / "test.csv").write_text("title,Y/N\nA,Y\n")
    return place


def test_a_folder_comes_out_as_a_folder(folder, tmp_path, console):
    rows = [
        ["positive_train.txt", "2", "of C", "correct", "wrong", "1", "N"],
        ["negative.txt", "2", "Graphs and Trees", "wrong", "correct", "1", "correct"],
        ["negative.txt", "1", "Abstract", "wrong", "correct", "1", "drop"],
    ]
    for row in rows:
        row[0] = str(folder / row[0])
    target = table_of(tmp_path / "s.csv", rows, "file,line,text,label,suggested,score,fix")
    code, out, err = console("data", "apply-fixes", target, folder, "-o", tmp_path / "out")
    assert code == 0, err
    assert f"7 rows read, 6 written to {tmp_path / 'out'}: 2 relabelled, 1 dropped" in out
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == {
        "positive.txt": "A Théory of A\n\nB \rB\nlast\nGraphs and Trees\n".encode(),
        "negative.txt": b"of C\n", "test.csv": (folder / "test.csv").read_bytes(),
    }  # fmt: skip
    code, _, err = console("data", "apply-fixes", target, folder, "-o", folder)
    assert err == f"Error: -o {folder} is the data itself; --overwrite replaces it\n"
    assert console("data", "apply-fixes", target, folder, "-o", folder, "--overwrite")[0] == 0
    assert (folder / "negative.txt").read_bytes() == b"of C\n"
    assert (folder / "positive_train.txt").read_bytes() == found["positive.txt"]
    assert not (folder / "positive.txt").exists()


def test_several_files_go_to_a_folder(planted, tmp_path, console):
    other = write_table(tmp_path / "more.csv", 40, seed=9)
    target = tmp_path / "s.csv"
    code, _, err = console("check", planted, other, "--suspects", target)
    assert code == 0, err
    files = {row["file"] for row in read(target)}
    assert files == {str(planted), str(other)}
    fill(target, {"all": "drop"})
    code, out, err = console("data", "apply-fixes", target, planted, other, "-o", tmp_path / "out")
    assert code == 0, err
    gone = len(read(target))
    kept = [read(tmp_path / "out" / name) for name in ("titles.csv", "more.csv")]
    assert [len(rows) for rows in kept] == [
        201 - sum(row["file"] == str(planted) for row in read(target)),
        40 - sum(row["file"] == str(other) for row in read(target)),
    ]
    assert f"0 relabelled, {gone} dropped" in out


ROW = ["3", "Graphs", "wrong", "correct", "0.5", ""]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({5: "corect"}, "s.csv:2: column 'fix': expected a label, drop, ok or nothing, got "
         "'corect'; did you mean 'correct'? (labels: correct, wrong)"),
        ({5: "drop", 1: "Trees"}, "s.csv:2: the text at line 3 is now 'Graphs', not 'Trees'; look "
         "for suspects again"),
        ({5: "drop", 2: "correct"}, "s.csv:2: the label at line 3 is now 'wrong', not 'correct'; "
         "look for suspects again"),
        ({5: "drop", 0: "9"}, "s.csv:2: no row with a label begins at line 9 of the data; look for "
         "suspects again"),
        ({0: "x"}, "s.csv:2: column 'line': expected a line's number, got 'x'"),
    ],
)  # fmt: skip
def test_fixes_that_do_not_fit_are_refused(tmp_path, monkeypatch, changes, text):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text("title,label\nA Theory,correct\nGraphs,wrong\n")
    row = list(ROW)
    for place, value in changes.items():
        row[place] = value
    table_of("s.csv", [row])
    with pytest.raises(DataError) as error:
        apply_fixes("s.csv", ["d.csv"], "out.csv")
    assert str(error.value) == text
    assert not Path("out.csv").exists()


def test_fixes_that_contradict_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text("title,label\nA Theory,correct\nGraphs,wrong\n")
    table_of("s.csv", [[*ROW[:5], "drop"], [*ROW[:5], "correct"]])
    with pytest.raises(DataError) as error:
        apply_fixes("s.csv", ["d.csv"], "out.csv")
    assert str(error.value) == (
        "s.csv:3: line 3 shall be 'correct' here and 'drop' in s.csv:2; expected one fix of a row"
    )
    table_of("s.csv", [[*ROW[:5], "drop"]], "row,text,label,suggested,score,fix")
    with pytest.raises(DataError) as error:
        apply_fixes("s.csv", ["d.csv"], "out.csv")
    assert str(error.value) == (
        "s.csv: no column 'line'; expected the file that titlekit check --suspects wrote "
        "(columns: row, text, label, suggested, score, fix)"
    )


def test_the_data_are_replaced_only_when_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text("title,label\nA Theory,correct\nGraphs,wrong\n")
    table_of("s.csv", [[*ROW[:5], "correct"]])
    with pytest.raises(UsageError, match=r"-o d\.csv is the data itself; --overwrite replaces it"):
        apply_fixes("s.csv", ["d.csv"], "d.csv")
    with pytest.raises(UsageError, match="read twice: give a file, not standard input"):
        apply_fixes("s.csv", ["-"], "out.csv")
    apply_fixes("s.csv", ["d.csv"], "d.csv", overwrite=True)
    assert Path("d.csv").read_text() == "title,label\nA Theory,correct\nGraphs,correct\n"
    with pytest.raises(DataError, match=r"is now 'correct', not 'wrong'"):
        apply_fixes("s.csv", ["d.csv"], "d.csv", overwrite=True)
    table_of("f.csv", [["e.csv", *ROW[:5], "drop"]], "file,line,text,label,suggested,score,fix")
    with pytest.raises(DataError) as error:
        apply_fixes("f.csv", ["d.csv"], "out.csv")
    assert str(error.value) == (
        "f.csv:2: column 'file': 'e.csv' is not among the data; did you mean 'd.csv'? "
        "(files: d.csv)"
    )
