"""titlekit predict, as a person runs it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from console import Forked
from tiny import TITLES, mark_as_run, save_classifier
from titlekit import load
from titlekit.cli.main import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return str(mark_as_run(save_classifier(tmp_path_factory.mktemp("runs") / "001")))


@pytest.fixture
def titles(tmp_path):
    path = tmp_path / "new.csv"
    rows = "".join(f'{number:02d},"{text}"\n' for number, text in enumerate([*TITLES, "", "Ünï"]))
    path.write_text(f"id,title\n{rows}", "utf-8")
    return str(path)


@pytest.fixture
def predict(capsys):
    """Return a function that runs the command and gives its exit code, stdout and stderr."""

    def call(*args):
        with pytest.raises(SystemExit) as ended:
            main(["predict", *map(str, args)])
        return ended.value.code, *capsys.readouterr()

    return call


def test_answers_go_to_stdout_and_words_to_stderr(predict, run, titles):
    code, out, err = predict(run, titles)
    rows = list(csv.DictReader(io.StringIO(out)))
    answers = load(run, device="cpu").predict([*TITLES, "", "Ünï"])
    assert code == 0
    assert [*rows[0]] == ["id", "title", "predicted_label", "score"]
    assert [row["title"] for row in rows] == [*TITLES, "", "Ünï"]
    assert [row["predicted_label"] for row in rows] == answers.labels
    assert err.startswith("12 rows: wrong ")
    assert ", blank 1; " in err
    assert err.count("\n") == 1


def test_a_file_is_written_and_named(predict, run, titles, tmp_path):
    target = tmp_path / "answers.jsonl"
    code, out, err = predict(run, titles, "-o", target, "--proba", "--blank-label", "wrong")
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert (code, out) == (0, "")
    assert err.endswith(f"; written to {target}\n")
    assert rows[10]["predicted_label"] == "wrong"
    assert rows[10]["score"] is rows[10]["p_correct"] is None
    assert rows[0]["id"] == "00"


def test_json_is_the_summary(predict, run, titles, tmp_path):
    code, out, err = predict(run, titles, "-o", tmp_path / "a.tsv", "--json", "-q")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["rows"], found["blank_rows"]) == (12, 1)
    assert found["out"] == str(tmp_path / "a.tsv")
    assert set(found["by_label"]) == {"wrong", "correct"}
    assert (found["distinct_texts"], found["from_cache"]) == (11, 0)
    assert (found["rejected_rows"], found["resumed_after"]) == (0, 0)
    code, out, err = predict(run, titles, "--json")
    assert (code, out) == (2, "")
    assert err == ("Error: --json: stdout carries the answers; name their file with -o FILE\n")


def test_stdin_in_any_format(predict, run, monkeypatch):
    for kind, text in {
        "csv": 'text,n\n"a, b",1\n',
        "tsv": "text\tn\na, b\t1\n",
        "jsonl": '{"text": "a, b", "n": "1"}\n',
    }.items():
        stdin = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8")
        monkeypatch.setattr(sys, "stdin", stdin)
        code, out, _ = predict(run, "-", "--format", kind)
        assert code == 0
        assert not stdin.buffer.closed
        if kind == "jsonl":
            assert json.loads(out)["text"] == "a, b"
        else:
            delimiter = "\t" if kind == "tsv" else ","
            assert next(csv.DictReader(io.StringIO(out), delimiter=delimiter))["text"] == "a, b"


def test_a_terminal_obeys_no_control_character(predict, run, tmp_path, monkeypatch):
    path = tmp_path / "in.csv"
    path.write_text('text\n"\x1b]0;own\x07 title\nsecond line"\n')
    _, out, _ = predict(run, path)
    assert "\x1b]0;own\x07 title" in out  # data for a file or a pipe stays as it is
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, _ = predict(run, path)
    assert code == 0
    assert "\\x1b]0;own\\x07 title\nsecond line" in out
    assert "\x1b" not in out


def test_a_gbk_file_is_read_and_said(predict, run, tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(
        "title\n一种基于图核的文本分类方法研究\n面向检索的深度学习综述\n".encode("gb18030")
    )
    code, out, err = predict(run, path)
    assert code == 0
    assert "一种基于图核的文本分类方法研究" in out
    assert "read as gb18030" in err


def test_a_console_that_is_not_utf8_changes_nothing(predict, run, tmp_path, monkeypatch):
    path = tmp_path / "in.csv"
    path.write_text("title\n一种方法\n", "utf-8")
    stdout = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    assert predict(run, path)[0] == 0
    assert stdout.buffer.getvalue().decode("utf-8").splitlines()[1].startswith("一种方法,")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-o", "{new}"], "-o {new} is the input itself; choose another name"),
        (["-o", "{old}"], "-o {old} exists; choose another name, or replace it with --overwrite"),
        (
            ["-o", "out.xlsx"],
            "-o out.xlsx: expected a name that ends in .csv, .tsv, .jsonl, .parquet, .csv.gz, "
            ".tsv.gz, .jsonl.gz, or - for stdout",
        ),
        (
            ["--blank-label", "Wrong"],
            "--blank-label: no label 'Wrong'; did you mean 'wrong'? (labels: wrong, correct)",
        ),
        (["--text-column", "titel"], "{new}: no column 'titel'; did you mean 'title'? "
         "(columns: id, title)"),
        (["--device", "tpu"], "--device: expected auto, cpu, cuda or cuda:N, got 'tpu'"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line(predict, run, titles, tmp_path, args, message):
    old = tmp_path / "old.csv"
    old.write_text("old")
    names = {"new": titles, "old": str(old)}
    code, out, err = predict(run, titles, *(arg.format(**names) for arg in args))
    assert (code, out) == (2, "")
    assert err == f"Error: {message.format(**names)}\n"
    assert sorted(os.listdir(tmp_path)) == ["new.csv", "old.csv"]
    assert old.read_text() == "old"


def test_overwrite_replaces(predict, run, titles, tmp_path):
    (tmp_path / "old.csv").write_text("old")
    assert predict(run, titles, "-o", tmp_path / "old.csv", "--overwrite")[0] == 0
    assert (tmp_path / "old.csv").read_text().startswith("id,title,predicted_label,score\n")


def test_a_missing_input_is_told_before_a_model_is_loaded(predict, tmp_path):
    code, _, err = predict(tmp_path / "no-run", tmp_path / "none.csv")
    assert code == 2
    assert err == f"Error: {tmp_path}/none.csv: no such file\n"


def test_a_fault_in_the_last_row_leaves_nothing(predict, run, titles, tmp_path):
    with open(titles, "a") as stream:
        stream.write("99,a,b\n")
    code, out, err = predict(run, titles, "-o", tmp_path / "out.csv")
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {titles}:14: expected 2 cells, got 3")
    assert os.listdir(tmp_path) == ["new.csv"]


@pytest.mark.parametrize(
    ("sent", "code", "words"), [(signal.SIGINT, 130, "Stopped."), (signal.SIGTERM, 143, "")]
)
def test_a_stopped_run_leaves_nothing(run, tmp_path, sent, code, words):
    (folder := tmp_path / "answers").mkdir()
    os.mkfifo(tmp_path / "rows")
    process = Forked("predict", run, "-", "-o", "out.csv", cwd=folder, stdin=tmp_path / "rows")
    with open(tmp_path / "rows", "w", encoding="utf-8") as rows:
        rows.write("title\n" + "A title\n" * 10)
        rows.flush()
        for _ in range(6000):
            if ".out.csv.part" in os.listdir(folder):
                break
            time.sleep(0.01)
        part = sorted(os.listdir(folder))
        time.sleep(0.3)  # it waits for rows by now
        process.send_signal(sent)
        _, err = process.communicate(timeout=60)
    assert part == [".out.csv.lock", ".out.csv.part"]
    assert (process.returncode, err.strip()) == (code, words)
    assert os.listdir(folder) == []


def test_the_command_is_known_before_numpy_is_loaded():
    code = (
        "import sys, titlekit.cli.predict, titlekit.cli.evaluate\n"
        "print(*{'numpy', 'sklearn', 'torch', 'transformers'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stdout.strip() == b""
