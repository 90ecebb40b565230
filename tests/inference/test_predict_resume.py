"""A file of answers that was cut off goes on, and ends with the bytes it would have had."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from titlekit import UsageError, load
from titlekit.core.data.readers import open_table
from titlekit.core.inference import stream
from titlekit.core.inference.chunks import Chunks
from titlekit.core.inference.stream import predict_file

SUFFIXES = [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz"]


class Killed(BaseException):
    """The end of a process that could clean up nothing."""


@contextlib.contextmanager
def killed_after(chunks, torn=b"\0half a chunk"):
    """Stand for kill -9 when so many chunks are safe and the next one is half written."""
    commit, stop, publish = Chunks.commit, Chunks.stop, Chunks.publish
    left = chunks

    def count(self, rows, tally):
        nonlocal left
        if left == 0:
            self._stream.write(torn)
            raise Killed
        left -= 1
        commit(self, rows, tally)

    def dead(self, *_):
        self._stream.close()
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chunks, "commit", count)
        patch.setattr(Chunks, "stop", lambda self: self._stream.close())
        patch.setattr(Chunks, "publish", dead)
        try:
            yield
        except Killed:
            assert Chunks.publish is not publish
            assert Chunks.stop is not stop


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(stream, "WINDOW", 4)


@pytest.fixture
def source(tmp_path, titles):
    path = tmp_path / "in.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([["id", "title"], *enumerate(titles(18))])
    return str(path)


def answered(predictor, source, target, **options):
    with open_table(source) as table:
        return predict_file(predictor, table, str(target), **options)


def inside(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


CELL = st.text(
    st.one_of(
        st.sampled_from("\",;\t\n\r'0 é中\U0001f600"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=8,
)
VALUE = st.one_of(
    CELL, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.integers(), max_size=2), st.dictionaries(CELL, st.none(), max_size=2),
)  # fmt: skip


@settings(
    max_examples=5, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    st.lists(st.fixed_dictionaries({"title": CELL, "n": VALUE}), min_size=1, max_size=14),
    st.data(),
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_table_killed_after_any_chunk_goes_on_to_the_same_bytes(
    bag, tmp_path_factory, small_windows, suffix, rows, data
):
    folder = tmp_path_factory.mktemp("killed")
    source = folder / "in.jsonl"
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    predictor = load(bag)
    counts = answered(predictor, str(source), folder / f"whole{suffix}", proba=True)
    part = folder / f"part{suffix}"
    chunks = data.draw(st.integers(0, (len(rows) + 3) // 4))
    with killed_after(chunks):
        answered(predictor, str(source), part, proba=True)
    assert not part.exists()
    again = answered(predictor, str(source), part, proba=True)
    assert part.read_bytes() == (folder / f"whole{suffix}").read_bytes()
    assert again["resumed_after"] == min(4 * chunks, len(rows))
    timed = ("seconds", "rows_per_second", "resumed_after")
    assert {key: again[key] for key in counts if key not in timed} == {
        key: value for key, value in counts.items() if key not in timed
    }
    names = {f"{name}{suffix}{more}" for name in ("whole", "part") for more in ("", ".json")}
    assert {*os.listdir(folder)} == {"in.jsonl", *names}


def test_a_part_of_something_else_is_not_gone_on_with(
    bag, save_bag, source, tmp_path, small_windows, caplog
):
    predictor, target = load(bag), tmp_path / "out.csv"
    other = load(save_bag(tmp_path / "other", seed=1))
    (tmp_path / "other" / "decision.json").write_text('{"threshold": 0.9}')
    stricter = load(tmp_path / "other")

    def touched():
        os.utime(source, (1, 1))
        return {}

    cases = [
        (other, dict, "model"),
        (stricter, dict, "model and decision"),
        (predictor, lambda: {"proba": True}, "options"),
        (predictor, lambda: {"blank_label": "wrong"}, "options"),
        (predictor, touched, "input"),
    ]
    for by, options, differs in cases:
        with killed_after(2):
            answered(other if by is stricter else predictor, source, target)
        given = options()
        caplog.clear()
        counts = answered(by, source, target, **given)
        assert counts["resumed_after"] == 0
        assert [record.getMessage() for record in caplog.records] == [
            f"-o {target}: begins anew: 8 rows of an earlier run are there, but of other {differs}"
        ]
        answered(by, source, tmp_path / "plain.csv", **given)
        assert target.read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_the_row_is_said(bag, source, tmp_path, small_windows, caplog):
    with killed_after(3):
        answered(load(bag), source, tmp_path / "out.csv")
    answered(load(bag), source, tmp_path / "out.csv")
    assert [record.getMessage() for record in caplog.records] == [
        f"-o {tmp_path / 'out.csv'}: goes on after row 12"
    ]


@pytest.mark.parametrize("fault", ["short", "no journal", "not json", "foreign"])
def test_a_part_that_is_not_whole_is_begun_anew(
    bag, source, tmp_path, small_windows, caplog, fault
):
    target = tmp_path / "out.csv"
    with killed_after(2, torn=b""):
        answered(load(bag), source, target)
    part, journal = tmp_path / ".out.csv.part", tmp_path / ".out.csv.part.json"
    if fault == "short":
        part.write_bytes(part.read_bytes()[:-1])
    elif fault == "no journal":
        journal.unlink()
    else:
        journal.write_text("{" if fault == "not json" else '{"titlekit_part": 2}')
    assert answered(load(bag), source, target)["resumed_after"] == 0
    assert [record.getMessage() for record in caplog.records] == [
        f"-o {target}: begins anew: what an earlier run left is not whole"
    ]
    answered(load(bag), source, tmp_path / "plain.csv")
    assert target.read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_an_old_journal_never_speaks_of_a_new_part(bag, source, tmp_path, small_windows):
    predictor, target = load(bag), tmp_path / "out.csv"
    with killed_after(4):
        answered(predictor, source, target)
    with killed_after(0, torn=b"x" * 10_000):  # of other options, cut off before its first chunk
        answered(predictor, source, target, proba=True)
    assert answered(predictor, source, target)["resumed_after"] == 0


def test_killed_between_the_page_and_the_answers(bag, source, tmp_path, small_windows):
    predictor, target = load(bag), tmp_path / "out.csv"
    with killed_after(99):
        answered(predictor, source, target)
    assert sorted(os.listdir(tmp_path)) == [
        ".out.csv.part", ".out.csv.part.json", "in.csv", "out.csv.json"
    ]  # fmt: skip
    assert answered(predictor, source, target)["resumed_after"] == 18
    assert sorted(os.listdir(tmp_path)) == ["in.csv", "out.csv", "out.csv.json"]


def test_two_writers_are_refused(bag, source, tmp_path):
    with (
        FileLock(tmp_path / ".out.csv.lock"),
        pytest.raises(UsageError) as refused,
    ):
        answered(load(bag), source, tmp_path / "out.csv")
    assert str(refused.value) == (
        f"-o {tmp_path / 'out.csv'} is being written by another titlekit; wait for it, or choose "
        "another name"
    )


@pytest.mark.parametrize(
    ("sent", "code", "words"), [(signal.SIGINT, 130, ["", "Stopped."]), (signal.SIGTERM, 143, [])]
)
def test_a_stopped_command_goes_on(
    console, bag, source, tmp_path, small_windows, monkeypatch, sent, code, words
):
    target = tmp_path / "out.csv"
    commit = Chunks.commit

    def stopped(self, rows, tally):
        commit(self, rows, tally)
        if self.rows == 8:
            os.kill(os.getpid(), sent)

    # A job in the background ignores SIGINT, and what it starts does too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with monkeypatch.context() as patch:
        patch.setattr(Chunks, "commit", stopped)
        ended, out, err = console("predict", bag, source, "-o", target)
    signal.signal(signal.SIGINT, before)
    kept = f"Warning: -o {target}: 8 rows are kept; the same command goes on after them"
    assert (ended, out, err.splitlines()) == (code, "", [kept, *words])
    ended, _, err = console("predict", bag, source, "-o", target)
    assert (ended, err.splitlines()[0]) == (0, f"-o {target}: goes on after row 8")
    console("predict", bag, source, "-o", tmp_path / "plain.csv")
    assert target.read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_a_fault_in_the_input_leaves_the_chunks_for_the_same_command_with_rejects(
    console, bag, source, tmp_path, small_windows
):
    with open(source, "a") as more:
        more.write("99\n100,The Last One\n")
    words = ["predict", bag, source, "-o", tmp_path / "out.csv"]
    code, _, err = console(*words)
    kept, fault = err.splitlines()
    assert code == 2
    assert kept == (
        f"Warning: -o {tmp_path}/out.csv: 16 rows are kept; the same command goes on after them"
    )
    assert fault.startswith(f"Error: {source}:20: expected 2 cells, got 1;")
    code, out, _ = console(*words, "--rejects", tmp_path / "bad.csv", "--json", "-q")
    found = json.loads(out)
    assert (found["resumed_after"], found["rows"], found["rejected_rows"]) == (16, 19, 1)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


SUICIDE = """
import os, signal, sys
from titlekit.cli.main import main
from titlekit.core.inference import chunks, stream
stream.WINDOW = 4
commit = chunks.Chunks.commit
def one_more(self, rows, tally):
    commit(self, rows, tally)
    if self.rows == 12:
        os.kill(os.getpid(), signal.SIGKILL)
chunks.Chunks.commit = one_more
main(sys.argv[1:])
"""


def test_kill_9_in_a_process_of_its_own(console, bag, source, tmp_path, small_windows):
    target = tmp_path / "out.jsonl.gz"
    words = ["predict", str(bag), source, "-o", str(target)]
    done = subprocess.run([sys.executable, "-c", SUICIDE, *words], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert ".out.jsonl.gz.part.json" in os.listdir(tmp_path)
    code, _, err = console(*words)
    assert (code, err.splitlines()[0]) == (0, f"-o {target}: goes on after row 12")
    console("predict", bag, source, "-o", tmp_path / "plain.jsonl.gz")
    assert inside(target) == inside(tmp_path / "plain.jsonl.gz")
    assert target.read_bytes() == (tmp_path / "plain.jsonl.gz").read_bytes()


def test_overwrite_takes_the_old_file_away_when_the_new_one_is_whole(
    console, bag, source, tmp_path, small_windows
):
    target = tmp_path / "out.csv"
    target.write_text("old")
    Path(f"{target}.json").write_text('{"titlekit": "old"}')
    with killed_after(2):
        answered(load(bag), source, target)
    assert target.read_text() == "old"
    assert console("predict", bag, source, "-o", target, "--overwrite")[0] == 0
    assert json.loads(Path(f"{target}.json").read_text())["resumed_after"] == 8
