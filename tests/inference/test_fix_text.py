"""Mended texts: a model answers for what its training rows were, the columns stay as they came."""

import json

import numpy as np
import pytest

from console import Console
from tiny import TITLES, mark_as_run, save_classifier
from titlekit import DataError, load
from titlekit.core.data.readers import open_table
from titlekit.core.evidence.evaluation import load_rows
from titlekit.core.inference.stream import predict_file

SOUND = f"{TITLES[0]} – {TITLES[1]}’s"
DAMAGED = f"{TITLES[0]} 每 {TITLES[1]}＊s"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_classifier(
        tmp_path_factory.mktemp("runs") / "plain", texts=(*TITLES, SOUND, DAMAGED)
    )


@pytest.fixture(scope="module")
def plain(folder):
    return load(folder, device="cpu")


@pytest.fixture(scope="module")
def mending(folder):
    mark_as_run(folder, fix_text=True, max_length=64)
    found = load(folder, device="cpu")
    (folder / "run.json").unlink()
    return found


def answers(predictor, source, target, **options):
    with open_table(str(source)) as table:
        predict_file(predictor, table, str(target), **options)
    with open_table(str(target)) as table:
        return [list(row.values.values()) for row in table]


def test_a_run_that_was_trained_on_mended_texts_mends_what_it_reads(plain, mending):
    assert (plain.fix_text, mending.fix_text) == (False, True)
    assert np.array_equal(mending.logits([DAMAGED]), plain.logits([SOUND]))
    assert not np.array_equal(plain.logits([DAMAGED]), plain.logits([SOUND]))
    pairs = mending.logits([TITLES[2]], [DAMAGED])
    assert np.array_equal(pairs, plain.logits([TITLES[2]], [SOUND]))
    assert mending.predict([DAMAGED, "&nbsp;"]).predicted[1] == -1


def test_predict_answers_for_the_mended_text_and_keeps_the_column(plain, mending, tmp_path, caplog):
    source = tmp_path / "in.csv"
    source.write_text(f"title\n{DAMAGED}\n{SOUND}\n", "utf-8")
    told = answers(mending, source, tmp_path / "a.csv")
    assert [row[0] for row in told] == [DAMAGED, SOUND]
    assert told[0][1:] == told[1][1:]
    assert told == answers(plain, source, tmp_path / "b.csv", fix_text=True)
    assert caplog.messages == [f"{source}: 1 text is mended (GBK read as Big5 in 1)"] * 2
    caplog.clear()
    raw = answers(plain, source, tmp_path / "c.csv")
    assert raw[0][1:] != raw[1][1:]
    assert caplog.messages == [
        f"{source}: 1 text is damaged (GBK read as Big5 in 1), e.g. {source}:2: {DAMAGED!r}; "
        "--fix-text mends what is sure"
    ]


def test_labelled_rows_are_read_as_the_run_reads(plain, mending, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text(f"title,label\n{DAMAGED},wrong\n", "utf-8")
    assert load_rows(plain, str(source)).texts == [DAMAGED]
    assert load_rows(plain, str(source), fix_text=True).texts == [SOUND]
    assert load_rows(mending, str(source)).texts == [SOUND]


def test_plain_lines_are_the_text_whatever_its_column_was_called(folder, tmp_path):
    source = tmp_path / "in.txt"
    source.write_text(f"{SOUND}\n\n", "utf-8")
    mark_as_run(folder, text_columns=["title"])
    found = answers(load(folder, device="cpu"), source, tmp_path / "a.csv")
    assert [row[0] for row in found] == [SOUND, ""]
    mark_as_run(folder, text_columns=["title", "abstract"])
    with pytest.raises(DataError, match=r": no column 'title', where the training had its texts;"):
        answers(load(folder, device="cpu"), source, tmp_path / "b.csv")
    (folder / "run.json").unlink()


def test_a_run_keeps_whether_it_mends(tmp_path, capsys):
    console = Console(capsys)
    data = tmp_path / "a.csv"
    lines = [f"Moore＊s law {n},{n % 2}\n" for n in range(12)]
    data.write_text("title,label\n" + "".join(lines), "utf-8")
    run = tmp_path / "run"
    console(
        "train", data, "--model", "tiny", "--fix-text", "--valid", "0", "--epochs", "1",
        "--device", "cpu", "--out", run,
    )  # fmt: skip
    assert json.loads((run / "run.json").read_text("utf-8"))["input"]["fix_text"] is True
    assert "fix_text = true" in (run / "config.toml").read_text("utf-8")
    assert load(run, device="cpu").fix_text
    told = json.loads((run / "run.json").read_text("utf-8"))
    told["input"]["fix_text"] = "yes"
    (run / "run.json").write_text(json.dumps(told), "utf-8")
    with pytest.raises(DataError, match=r"input\.fix_text: expected true or false, got '\"yes\"'"):
        load(run, device="cpu")
