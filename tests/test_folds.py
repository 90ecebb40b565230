"""Folds and seeds: what each run sees, what they say together, stopped and continued."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

import titlekit
from console import process, write_table
from titlekit import DataError, UsageError, load, train
from titlekit.core.config import TrainConfig
from titlekit.core.data.load import deal_rows, load_training, read_training
from titlekit.core.data.splits import normalise
from titlekit.core.series import Series
from titlekit.core.session import resume

OPTIONS = {
    "model": "tiny", "epochs": 1, "batch_size": 16, "lr": 2e-3, "eval_every": 0.5, "device": "cpu",
    "max_length": "12",
}  # fmt: skip
BLANKS = {3: "correct", 4: "wrong", 64: "wrong"}  # line of the table -> label


def words(table: Path, out: Path, **more: object) -> list[str]:
    flags = [
        (f"--{name.replace('_', '-')}", str(value)) for name, value in (OPTIONS | more).items()
    ]
    return ["train", str(table), *(word for pair in flags for word in pair), "--out", str(out)]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """60 titles, some twice, and blank ones at the start, in a row and at the end."""
    path = write_table(tmp_path_factory.mktemp("data") / "titles.csv", 60)
    lines = path.read_text("utf-8").splitlines()
    text, _, label = lines[1].rpartition(",")
    lines[-1] = f"{text.upper()},{label}"
    for line, label in BLANKS.items():
        lines.insert(line - 1, f",{label}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def test_table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("data") / "test.csv", 40, seed=6)


@pytest.fixture(scope="module")
def done(table, test_table, tmp_path_factory):
    """Two folds with two seeds and a test set, finished."""
    return train(
        train=str(table), test=str(test_table), folds=2, seeds=2, seed=7, valid="0.2",
        out=str(tmp_path_factory.mktemp("done") / "out"), **OPTIONS,
    )  # fmt: skip


# What each run sees


def test_the_rows_of_a_fold_are_scored_and_choose_nothing(table):
    options = {"train": [str(table)], "folds": 3, "valid": "0.2"}
    whole = read_training(TrainConfig(**options)).train
    scored, lines = [], set(whole.lines)
    for fold in (1, 2, 3):
        data = load_training(TrainConfig(fold=fold, **options))
        parts = [set(data.train.lines), set(data.valid.lines), set(data.fold.lines)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == len(whole)
        texts = [{normalise(whole.texts[whole.lines.index(n)]) for n in part} for part in parts]
        assert sum(map(len, texts)) == len(set.union(*texts))
        assert len(data.valid) == pytest.approx(0.2 * (len(whole) - len(data.fold)), abs=2)
        scored += data.fold.lines
    assert sorted(scored) == sorted(lines)


def test_seeds_share_the_folds_and_split_seeds_do_not(table):
    def folds(**more):
        config = TrainConfig(train=[str(table)], folds=3, **more)
        return deal_rows(config, read_training(config)).tolist()

    assert set(folds()) == {1, 2, 3}
    assert folds() == folds(seed=1)
    assert folds() != folds(split_seed=1)


def test_groups_stay_in_one_fold_and_on_one_side_within_it(tmp_path):
    path = tmp_path / "grouped.csv"
    rows = [f"title number {n},{'ab'[n % 2]},venue {n // 4}" for n in range(80)]
    path.write_text("title,label,venue\n" + "\n".join(rows) + "\n")
    config = TrainConfig(train=[str(path)], folds=2, fold=1, group_column="venue")
    data = load_training(config)
    sides = [set(part.groups) for part in (data.train, data.valid, data.fold)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 20


def test_limit_takes_training_rows_alone(table):
    options = {"train": [str(table)], "folds": 2, "fold": 2}
    full, few = (load_training(TrainConfig(limit=limit, **options)) for limit in (None, 10))
    assert (len(few.train), few.valid.lines, few.fold.lines) == (
        10, full.valid.lines, full.fold.lines,
    )  # fmt: skip
    assert set(few.train.lines) < set(full.train.lines)


def test_a_validation_file_chooses_in_every_fold(table, test_table):
    options = {"train": [str(table)], "valid": str(test_table), "folds": 2}
    data = [load_training(TrainConfig(fold=fold, **options)) for fold in (1, 2)]
    assert [part.valid.name for part in data] == [str(test_table)] * 2
    assert len(data[0].train) + len(data[1].train) == len(
        read_training(TrainConfig(**options)).train
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"fold": 2}, "--fold 2: of how many? name them with --folds"),
        ({"fold": 4, "folds": 3}, "--fold 4: expected a number from 1 to 3"),
        (
            {"fold": 1, "folds": 3, "seeds": 2},
            "--fold trains one run; leave out --seeds, and name its --seed",
        ),
        ({"folds": 1}, "--folds: expected a whole number of at least 2, or none, got 1"),
        (
            {"seed": 2**63 - 1, "seeds": 2},
            "--seeds 2: counted up from --seed they pass 2^63 - 1",
        ),
    ],
)
def test_folds_that_cannot_be(table, options, text):
    with pytest.raises(UsageError) as error:
        train(train=str(table), **options)
    assert str(error.value) == text


# What they say together


def test_every_row_is_answered_in_the_order_of_the_input(done, table):
    rows, given = read(done.folder / "out_of_fold.csv"), read(table)
    assert [(int(row["line"]), row["text"], row["label"]) for row in rows] == [
        (line, row["title"], row["label"]) for line, row in enumerate(given, 2)
    ]
    answers = ("fold", "predicted_label", "score", "p_correct", "p_wrong")
    for line, row in enumerate(rows, 2):
        assert all((row[name] == "") == (line in BLANKS) for name in answers)
    titled = [row for row in rows if row["fold"]]
    config = TrainConfig(train=[str(table)], folds=2)
    assert [int(row["fold"]) for row in titled] == deal_rows(config, read_training(config)).tolist()


def test_out_of_fold_answers_are_the_mean_over_seeds(done):
    titled = [row for row in read(done.folder / "out_of_fold.csv") if row["fold"]]
    for fold in ("1", "2"):
        rows = [row for row in titled if row["fold"] == fold]
        texts = [row["text"] for row in rows]
        runs = [load(done.folder / f"fold-{fold}-seed-{seed}") for seed in (7, 8)]
        mean = sum(run.probabilities(texts) for run in runs) / 2
        shown = [[float(row["p_correct"]), float(row["p_wrong"])] for row in rows]
        np.testing.assert_allclose(shown, mean, atol=6e-7)
        said = [runs[0].labels[number] for number in mean.argmax(axis=1)]
        assert [row["predicted_label"] for row in rows] == said


def test_pooled_metrics_are_those_of_the_file(done):
    titled = [row for row in read(done.folder / "out_of_fold.csv") if row["fold"]]
    truth, said = ([row[name] for row in titled] for name in ("label", "predicted_label"))
    found = done.results["out_of_fold"]
    assert found["f1"] == pytest.approx(f1_score(truth, said, pos_label="correct"))
    assert found["rows"] == len(titled) == 60
    assert found["blank_rows"] == 3
    assert set(found["intervals"]) == {"accuracy", "f1", "macro_f1"}


def test_mean_and_spread_are_over_all_runs(done):
    assert list(done.runs) == ["fold-1-seed-7", "fold-1-seed-8", "fold-2-seed-7", "fold-2-seed-8"]
    for rows in ("fold", "validation", "test"):
        for metric in ("accuracy", "roc_auc", "log_loss"):
            values = [one.results[rows][metric] for one in done.runs.values()]
            assert done.spread[rows][metric] == {
                "mean": pytest.approx(np.mean(values)),
                "std": pytest.approx(np.std(values, ddof=1)),
                "runs": 4,
            }  # fmt: skip
    assert "confusion_matrix" not in done.spread["fold"]
    assert "rows" not in done.spread["fold"]


def test_a_metric_that_some_runs_lack_is_of_the_others():
    from titlekit.core.evidence.spread import spread

    found = spread([{"f1": 0.5, "mcc": None}, {"f1": 0.7, "mcc": 0.1}, {"f1": None, "mcc": None}])
    assert found["f1"] == {
        "mean": pytest.approx(0.6), "std": pytest.approx(0.02**0.5), "runs": 2,
    }  # fmt: skip
    assert found["mcc"] == {"mean": 0.1, "std": None, "runs": 1}


def test_the_test_rows_are_scored_by_each_run_and_by_all_together(done, test_table):
    together = load(done.folder)
    titles = [row["title"] for row in read(test_table)]
    truth = [row["label"] for row in read(test_table)]
    said = together.predict(titles).labels
    assert done.results["test"]["accuracy"] == pytest.approx(np.mean(np.array(truth) == said))
    assert {row["text"] for row in read(done.folder / "predictions" / "test.csv")} == set(titles)
    assert all("test" in one.results for one in done.runs.values())


def test_series_json_is_what_python_gets(done):
    kept = json.loads((done.folder / "series.json").read_text())
    assert isinstance(done, Series)
    assert kept["status"] == "finished"
    assert kept["results"] == done.results
    assert kept["spread"] == json.loads(json.dumps(done.spread))
    assert kept["options"]["folds"] == {"value": 2, "from": "Python"}
    assert kept["options"]["seed"]["value"] == 7
    one = kept["runs"]["fold-2-seed-8"]
    assert (one["fold"], one["seed"]) == (2, 8)
    assert one["results"]["fold"]["f1"] == done.runs["fold-2-seed-8"].results["fold"]["f1"]


def test_each_run_is_a_run_that_its_own_recipe_repeats(done, tmp_path, console):
    run = done.folder / "fold-2-seed-8"
    kept = json.loads((run / "run.json").read_text())
    assert [kept["options"][name]["value"] for name in ("folds", "fold", "seed", "seeds")] == [
        2, 2, 8, None,
    ]  # fmt: skip
    again = tmp_path / "again"
    code, out, err = console("train", "--config", run / "config.toml", "--out", again)
    assert code == 0, err
    assert "fold        " in out
    for name in ("model.safetensors", "predictions/fold.csv", "fold_results.json"):
        assert (again / name).read_bytes() == (run / name).read_bytes()
    assert load(run).predict(["A Theory of Titles"]).labels


def test_seeds_alone_share_one_split(table, tmp_path):
    found = train(train=str(table), seeds=2, out=str(tmp_path / "out"), **OPTIONS)
    assert list(found.runs) == ["seed-42", "seed-43"]
    hashes = {one.run["data"]["validation"]["sha256"] for one in found.runs.values()}
    assert len(hashes) == 1
    assert not (found.folder / "out_of_fold.csv").exists()
    rows = read(found.folder / "predictions" / "valid.csv")
    runs = [read(one.folder / "predictions" / "valid.csv") for one in found.runs.values()]
    for row in rows:
        each = [float(r["p_correct"]) for run in runs for r in run if r["line"] == row["line"]]
        assert float(row["p_correct"]) == pytest.approx(np.mean(each), abs=1.1e-6)
    assert found.results["validation"]["rows"] == len(rows)


def test_several_files_keep_their_order(tmp_path):
    rows = [(f"title {n} of many", "ab"[n % 2]) for n in range(24)]
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("title,label\n" + "".join(f"{t},{c}\n" for t, c in rows[:12]))
    # As many blank rows as to begin where the first file ended.
    second.write_text("title,label\n" + ",a\n" * 12 + "".join(f"{t},{c}\n" for t, c in rows[12:]))
    found = train(
        train=[str(first), str(second)], folds=2, valid=0, out=str(tmp_path / "out"), **OPTIONS
    )
    texts = [row["text"] for row in read(found.folder / "out_of_fold.csv")]
    assert texts == [t for t, _ in rows[:12]] + [""] * 12 + [t for t, _ in rows[12:]]
    assert "validation" not in found.spread


def test_pairs_and_plugin_objects(tmp_path):
    from titlekit.plugins.ema import Ema

    path = tmp_path / "pairs.csv"
    lines = [f"one {n},other {n},{'yes' if n % 2 else 'no'}" for n in range(24)]
    path.write_text("a,b,label\n" + "\n".join([*lines, ",left,no"]) + "\n")
    plugin = Ema(decay=0.5)
    found = train(
        train=str(path), text_column="a", text_pair_column="b", folds=2, plugins=[plugin],
        out=str(tmp_path / "out"), **OPTIONS,
    )  # fmt: skip
    rows = read(found.folder / "out_of_fold.csv")
    assert [row["text_pair"] for row in rows] == [f"other {n}" for n in range(24)] + [""]
    counts = [one.run["plugins"]["counters"]["ema"] for one in found.runs.values()]
    assert counts[0] == counts[1]  # each run has a plugin of its own
    assert plugin.counts() == {}


# On the command line


def test_the_table_and_the_next_command(table, test_table, tmp_path, console, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = console(*words(table, "out", folds=2, test=test_table))
    assert code == 0, err
    found = json.loads(Path("out/series.json").read_text())
    of_run = found["runs"]["fold-1"]["results"]["fold"]
    spread, pooled = found["spread"]["fold"]["accuracy"], found["results"]["out_of_fold"]
    lines = [line.split("  ") for line in out.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert cells[1] == ["run", "fold rows", "accuracy", "F1", "macro-F1", "MCC", "steps", "time"]
    assert cells[2][:4] == ["fold-1", "30", f"{of_run['accuracy']:.4f}", f"{of_run['f1']:.4f}"]
    assert ["fold", "mean ± sd of runs", "out of fold", "95 % interval"] in cells
    low, high = pooled["intervals"]["accuracy"].values()
    assert [
        "accuracy", f"{spread['mean']:.4f} ± {spread['std']:.4f}", f"{pooled['accuracy']:.4f}",
        f"{low:.4f} to {high:.4f}",
    ] in cells  # fmt: skip
    assert ["test", "mean ± sd of runs", "of the mean", "95 % interval"] in cells
    assert (
        "Each fold was scored and nothing more: the weights were chosen on validation rows of "
        "their own (--valid 0.1).\n"
        "Every row's answer, in the order of the input: out/out_of_fold.csv\n"
    ) in out
    assert out.endswith(
        "The runs are in out\n"
        "Next: titlekit predict out FILE.csv -o answers.csv   (the mean of all runs)\n"
    )
    assert "run 2 of 2: fold-2" in err
    answers = tmp_path / "answers.csv"
    assert console("predict", "out", test_table, "-o", answers)[0] == 0
    assert len(read(answers)) == 40
    code, out, _ = console("evaluate", "out", test_table, "--json")
    assert json.loads(out)["accuracy"] == found["results"]["test"]["accuracy"]
    assert json.loads(out)["files"][0] == "out/predictions/test.json"


def test_json_and_the_last_weights(table, tmp_path, console):
    code, out, _ = console(*words(table, tmp_path / "out", folds=2, valid=0), "--json")
    found = json.loads(out)
    assert code == 0
    assert list(found) == ["folder", "runs", "spread", "results", "costs"]
    assert list(found["spread"]) == ["fold"]
    (tmp_path / "out" / "note.txt").touch()
    code, out, _ = console(*words(table, tmp_path / "out", folds=2, valid=0), "--overwrite")
    assert "the last weights of each run were kept (--valid 0)." in out
    assert not (tmp_path / "out" / "note.txt").exists()


def test_a_dry_run_shows_the_rows_of_each_run(table, tmp_path, console):
    command = words(table, tmp_path / "out", folds=2, seeds=2)
    code, out, _ = console(*command, "--dry-run")
    assert code == 0
    assert "run             training rows  validation rows  fold rows\nfold-1-seed-42  2" in out
    assert "fold-2-seed-43" in out
    assert " a run, " in out
    assert re.search(r"^--folds +2 +command line$", out, re.MULTILINE)
    assert re.search(r"^--fold +None +default$", out, re.MULTILINE)
    assert not (tmp_path / "out").exists()
    found = json.loads(console(*command, "--dry-run", "--json")[1])
    one = found["runs"]["fold-2-seed-43"]
    assert one["rows"] + one["validation_rows"] + one["fold_rows"] == 60
    assert found["options"]["fold"]["value"] is None
    assert "runs" not in json.loads(console(*words(table, "out"), "--dry-run", "--json")[1])


# Stopped and continued


def outcome(folder: Path) -> dict[str, bytes]:
    kept = [folder / "out_of_fold.csv", *sorted(folder.glob("*/model.safetensors"))]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


@pytest.fixture(scope="module")
def whole(table, tmp_path_factory):
    """What folds leave that nobody stopped."""
    out = tmp_path_factory.mktemp("whole") / "out"
    return outcome(train(train=str(table), folds=2, out=str(out), **OPTIONS).folder)


def stop_at(monkeypatch, steps: int):
    """Let a signal come after so many steps of all runs."""
    from titlekit.core.training.trainer import Trainer

    step, seen = Trainer.optimizer_step, []

    def stops(self, rows):
        step(self, rows)
        seen.append(1)
        if len(seen) == steps:
            self.stop_signal = int(signal.SIGTERM)

    monkeypatch.setattr(Trainer, "optimizer_step", stops)


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (1, "stopped at step 1; the state is saved. Continue"),
        (2, "stopped after fold-1. Continue"),  # it came with the last step
        (3, "stopped at step 1; the state is saved. Continue"),
    ],
)
def test_stopped_folds_go_on_from_their_folder(table, whole, tmp_path, monkeypatch, steps, text):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        stop_at(patch, steps)
        with pytest.raises(titlekit.TitlekitError) as error:
            train(train=str(table), folds=2, out=str(out), **OPTIONS)
    assert str(error.value) == f"{text} with: titlekit train --resume {out}"
    assert error.value.exit_code == 143
    with pytest.raises(UsageError, match=f"{out}: these runs are not finished; continue them: "):
        load(out)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/model.safetensors")}
    assert len(before) == steps // 2
    found = resume(out, {"folds": "2", "plugins": ""})
    assert outcome(out) == whole
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert list(found.runs) == ["fold-1", "fold-2"]
    assert found.results["out_of_fold"]["rows"] == 60
    with pytest.raises(UsageError) as error:
        resume(out)
    assert str(error.value) == (
        f"--resume {out}: those runs are finished; there is nothing to continue"
    )


@pytest.fixture
def stopped(table, tmp_path, monkeypatch):
    out, own = tmp_path / "out", tmp_path / "own.csv"
    shutil.copy(table, own)
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        with pytest.raises(titlekit.TitlekitError, match="stopped at step 1"):
            train(train=str(own), folds=2, out=str(out), **OPTIONS)
    return out


def refused(*arguments) -> str:
    with pytest.raises(UsageError) as error:
        resume(*arguments)
    return str(error.value)


def test_other_options_and_other_rows_are_refused(stopped):
    assert refused(stopped, {"folds": "3"}) == (
        "--resume: --folds is 3 here and was 2 when the run began; leave it out, or start a new run"
    )
    table = stopped.parent / "own.csv"
    lines = table.read_text("utf-8").splitlines()
    table.write_text("\n".join([lines[0], "Another Title,correct", *lines[2:]]) + "\n", "utf-8")
    assert refused(stopped).startswith(f"--resume {stopped}: the train rows of {table} are not ")


def test_a_series_of_a_stranger_is_told_in_one_line(stopped):
    path = stopped / "series.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps(kept | {"data": 3}))
    assert refused(stopped) == (
        f"--resume {stopped}: series.json is not as titlekit wrote it: data: expected an object "
        "of objects"
    )
    path.write_text(json.dumps(kept | {"status": "finished", "runs": {"../elsewhere": {}}}))
    with pytest.raises(UsageError) as error:
        load(stopped)
    assert str(error.value) == (
        f"{path} is not as titlekit wrote it: runs: expected an object of runs, e.g. fold-1"
    )
    shutil.copy(stopped / "fold-2" / "config.toml", stopped / "config.toml")
    path.write_text(json.dumps(kept))
    assert refused(stopped) == (
        f"--resume {stopped}: config.toml is not that of the runs in the folder"
    )


def test_the_test_file_costs_no_run(table, tmp_path):
    test, out = tmp_path / "test.csv", tmp_path / "out"
    test.write_text("title,label\nA Theory,none of them\n")
    with pytest.raises(DataError) as error:
        train(train=str(table), test=str(test), folds=2, out=str(out), **OPTIONS)
    assert str(error.value).endswith(
        f"; the runs are done and kept in {out}: mend the test file, then titlekit evaluate {out} "
        "FILE"
    )
    kept = json.loads((out / "series.json").read_text())
    assert (kept["status"], list(kept["results"])) == ("finished", ["out_of_fold"])


def test_what_is_wrong_from_the_start_leaves_nothing(table, tmp_path):
    out = tmp_path / "out"
    for more in ({"max_length": 100000}, {"folds": 61}, {"metric": "macro_f"}):
        with pytest.raises(titlekit.TitlekitError):
            train(train=str(table), out=str(out), **(OPTIONS | {"folds": 2} | more))
        assert not out.exists()
    with pytest.raises(UsageError, match="the word embeddings got no gradient"):
        train(train=str(table), plugins="freeze,fgm", folds=2, out=str(out), **OPTIONS)
    assert not out.exists()


def test_runs_that_are_refused_at_their_first_pass_leave_the_old_ones(table, done, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(done.folder, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    options = {"folds": 2, "overwrite": True, "out": str(out), **OPTIONS}
    with pytest.raises(UsageError, match="the word embeddings got no gradient"):
        train(train=str(table), plugins="freeze,fgm", **options)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_signal_between_two_runs_says_how_to_go_on(table, tmp_path, console, monkeypatch):
    from titlekit.core import series

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(series, "_run_one", interrupted)
    out = tmp_path / "out"
    code, _, err = console(*words(table, out, folds=2))
    assert code == 143
    assert err.strip().splitlines()[-1] == (
        "Error: stopped; the runs before and what was saved of this one are kept. Continue with: "
        f"titlekit train --resume {out}"
    )


@pytest.mark.slow
def test_killed_in_the_middle_of_the_second_fold_it_ends_with_the_same_bytes(table, tmp_path):
    more = {"epochs": 6, "save_every": 0.1, "plugins": "fgm,ema", "seeds": 2}
    calm, out = tmp_path / "calm", tmp_path / "out"
    started = process(*words(table, calm, folds=3, **more), cwd=tmp_path)
    _, err = started.communicate(timeout=300)
    assert started.returncode == 0, err
    command, rng = words(table, out, folds=3, **more), random.Random(time.time_ns())
    for attempt in range(4):
        started = process(*command, cwd=tmp_path)
        records = out / f"fold-2-seed-{42 + attempt % 2}" / "metrics.jsonl"
        while attempt < 3 and started.poll() is None:
            if records.is_file() and len(records.read_text().splitlines()) > attempt + 1:
                time.sleep(rng.random() * 0.2)
                started.kill()
                break
            time.sleep(0.005)
        _, err = started.communicate(timeout=300)
        command = ["train", "--resume", str(out)]
    assert started.returncode == 0, err
    assert outcome(out) == outcome(calm)
