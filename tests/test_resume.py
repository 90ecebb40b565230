"""Runs that are killed, stopped or changed, and continued from their folder alone."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from console import Forked, process, write_table
from titlekit import UsageError, load, train
from titlekit.core.run_folder import STATE
from titlekit.core.session import resume

STATEFUL = "fgm,ema(decay=0.9),early-stopping(patience=50),llrd"
OPTIONS = {
    "model": "tiny", "plugins": STATEFUL, "epochs": 3, "batch_size": 8, "eval_every": 0.5,
    "save_every": 0.1, "device": "cpu", "max_length": "12",
}  # fmt: skip


def words(table: Path, run: Path) -> list[str]:
    flags = [(f"--{name.replace('_', '-')}", str(value)) for name, value in OPTIONS.items()]
    return ["train", str(table), *(word for pair in flags for word in pair), "--out", str(run)]


def outcome(run: Path) -> tuple[bytes, list[str], dict]:
    described = json.loads((run / "run.json").read_text())
    assert described["status"] == "finished"
    records = (run / "metrics.jsonl").read_text().splitlines()
    return (run / "model.safetensors").read_bytes(), records, described["plugins"]["counters"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("data") / "titles.csv")


@pytest.fixture(scope="module")
def whole(table, tmp_path_factory):
    """The outcome of the run that nobody stopped, made in a process like the others."""
    folder = tmp_path_factory.mktemp("whole")
    done = Forked(*words(table, folder / "run"), cwd=folder)
    _, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    return outcome(folder / "run")


def wait_for(run: Path, records: int, process) -> None:
    """Wait until the run has written so many records, or has ended."""
    path = run / "metrics.jsonl"
    while process.poll() is None:
        if path.is_file() and len(path.read_text().splitlines()) >= records:
            return
        time.sleep(0.005)


def test_killed_at_random_steps_it_ends_as_if_nothing_had_been(table, whole, tmp_path):
    rng, run = random.Random(time.time_ns()), tmp_path / "run"
    command, kills = words(table, run), 0
    for attempt in range(4):
        # The last one in a new interpreter, which shares nothing with the others.
        started = (Forked if attempt < 3 else process)(*command, cwd=tmp_path)
        if attempt < 3:
            wait_for(run, attempt + 1, started)
            time.sleep(rng.random() * 0.3)
            kills += started.poll() is None
            started.kill()
        _, err = started.communicate(timeout=120)
        command = ["train", "--resume", str(run)]
    assert started.returncode == 0, err
    assert kills >= 2
    assert outcome(run) == whole
    assert not (run / "checkpoints").exists()
    assert not list(run.glob(".*"))


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_state_and_says_how_to_go_on(table, whole, tmp_path, sent, code):
    run = tmp_path / "run"
    started = Forked(*words(table, run), cwd=tmp_path)
    wait_for(run, 1, started)
    started.send_signal(sent)
    _, err = started.communicate(timeout=120)
    assert started.returncode == code, err
    last = err.strip().splitlines()[-1]
    assert last.startswith("Error: stopped at step ")
    assert last.endswith(f"the state is saved. Continue with: titlekit train --resume {run}")
    assert (run / STATE).is_file()
    resume(run)
    assert outcome(run) == whole


@pytest.fixture(scope="module")
def left(table, tmp_path_factory):
    """A run whose state was saved at step 20, then left."""
    from titlekit.core.training.trainer import Trainer

    step = Trainer.optimizer_step

    def stops(self, rows):
        step(self, rows)
        if self.run.step == 20:
            self.stop_signal = int(signal.SIGTERM)

    folder = tmp_path_factory.mktemp("left") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "optimizer_step", stops)
        with pytest.raises(Exception, match="the state is saved"):
            train(train=str(table), out=str(folder), **OPTIONS)
    return folder


@pytest.fixture
def stopped(left, tmp_path):
    """That run in a folder of its own."""
    return Path(shutil.copytree(left, tmp_path / "run"))


def refused(*arguments) -> str:
    with pytest.raises(UsageError) as error:
        resume(*arguments)
    return str(error.value)


def test_options_may_be_repeated_and_not_changed(stopped):
    assert refused(stopped, {"lr": "1e-3"}) == (
        "--resume: --lr is 0.001 here and was 0.0005 when the run began; leave it out, or start a "
        "new run"
    )
    text = refused(stopped, {"plugins": "fgm"})
    assert text.startswith("--resume: --plugins is 'fgm' here and was 'early-stopping(")
    result = resume(stopped, {"plugins": STATEFUL, "batch_size": "8"})
    assert result.run["result"]["steps"] == 42


def test_other_rows_are_refused(stopped, table):
    text = table.read_text(encoding="utf-8")
    try:
        table.write_text(text.replace("correct", "wrong", 1), encoding="utf-8")
        error = refused(stopped)
    finally:
        table.write_text(text, encoding="utf-8")
    assert f"--resume {stopped}: the " in error
    assert "rows of" in error
    assert "are not those that the run began with (sha256 " in error


def test_a_finished_run_and_a_folder_that_is_none(stopped, tmp_path):
    resume(stopped)
    assert refused(stopped) == (
        f"--resume {stopped}: that run is finished; there is nothing to continue"
    )
    assert refused(tmp_path) == f"{tmp_path}: no run.json there; expected the folder of a run"


def test_an_unfinished_run_answers_nothing_yet(stopped):
    with pytest.raises(UsageError, match="this run is not finished; continue it: titlekit train"):
        load(stopped)


def test_a_recipe_of_a_stranger_runs_no_code(stopped, tmp_path):
    trap = tmp_path / "trap.py"
    trap.write_text("raise SystemExit('owned')\n")
    recipe = stopped / "config.toml"
    text = recipe.read_text()
    planted = text.replace('plugins = "', f'plugins = "{trap}:Trap,', 1)
    assert planted != text
    recipe.write_text(planted)
    for given in ({}, {"plugins": STATEFUL}):
        assert f"the recipe names code of its own, {trap}:Trap; read that file" in refused(
            stopped, given
        )
    assert "is not the code that was recorded" in refused(stopped, {"allow_code": True})
    recipe.write_text("allow_code = true\n" + planted)
    assert refused(stopped) == f"{recipe}: allow_code is not a recipe's to say; use --allow-code"


def test_a_state_of_a_stranger_is_data_not_code(stopped):
    (stopped / STATE).write_bytes(b"\x80\x04cos\nsystem\n(S'touch owned'\ntR.")
    assert "is not a state that titlekit saved" in refused(stopped)


def test_a_full_disk_ends_in_one_line(console, table, tmp_path, monkeypatch):
    import safetensors.torch

    save, calls = safetensors.torch.save_file, []

    def full(tensors, path, metadata=None):
        calls.append(path)
        if len(calls) > 6:
            Path(path).write_bytes(b"half a file")
            raise OSError(28, "No space left on device")
        save(tensors, path, metadata)

    run = tmp_path / "run"
    monkeypatch.setattr(safetensors.torch, "save_file", full)
    code, _, err = console(*words(table, run))
    assert code == 1
    last = err.strip().splitlines()[-1]
    assert last.startswith(f"Error: cannot write {run}/checkpoints/")
    assert "No space left on device; make room there and continue with --resume" in last
    assert not list((run / "checkpoints").glob(".*"))
    monkeypatch.setattr(safetensors.torch, "save_file", save)
    assert console("train", "--resume", run)[0] == 0


@pytest.mark.parametrize(
    ("key", "value"), [("options", [1]), ("options", {"lr": 1}), ("data", {"train": 3})]
)
def test_a_run_json_of_another_program_is_told_in_one_line(stopped, key, value):
    path = stopped / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    assert refused(stopped) == (
        f"--resume {stopped}: run.json is not as titlekit wrote it: {key}: expected an object of "
        "objects"
    )


def test_a_hub_name_is_kept_with_its_commit(table, tmp_path, monkeypatch):
    from families import save_family
    from titlekit.core import prepare
    from titlekit.core.models import Resolved

    folder, commit = save_family("bert", tmp_path / "snapshot"), "0123456789" * 4
    monkeypatch.setattr(
        prepare, "resolve", lambda name, offline: Resolved(name, "me/x", commit, folder, 0.0)
    )
    result = train(train=str(table), model="me/x", epochs=0.1, out=str(tmp_path / "hub"))
    assert f'model = "me/x@{commit}"' in (result.folder / "config.toml").read_text()
    assert result.run["options"]["model"] == {"value": f"me/x@{commit}", "from": "Python"}
    assert f"--model me/x@{commit}" in result.run["command"]


def test_room_is_asked_for_what_plugins_really_keep():
    from titlekit.core.hooks.registry import builtins, load
    from titlekit.core.single import _keeps_weights

    made = {name: load(entry)() for name, entry in builtins().items()}
    assert {name for name, plugin in made.items() if _keeps_weights(plugin)} == {"ema", "swa"}


def test_a_combination_that_cannot_train_leaves_nothing(table, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(UsageError, match="the word embeddings got no gradient"):
        train(train=str(table), model="tiny", plugins="freeze,fgm", out=str(out))
    assert not out.exists()
    train(train=str(table), model="tiny", plugins="fgm", epochs=0.1, out=str(out))
