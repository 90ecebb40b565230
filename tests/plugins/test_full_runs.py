"""Pairs and sets in whole runs, from a table to a saved folder: minutes, run with -m slow."""

from __future__ import annotations

import hashlib
import itertools
import json
import signal
from pathlib import Path

import pytest

from combinations import PAIRS, SETS, prove_call_order, shuffled, spelling, stateful
from console import write_table
from titlekit import Trainer, train
from titlekit.core.errors import InterruptedRun
from titlekit.core.session import resume

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OPTIONS = {"model": "tiny", "epochs": 1, "batch_size": 8, "eval_every": 0.5, "device": "cpu"}
STOP = 7  # neither an evaluation nor the end comes at this step


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("data") / "titles.csv")


@pytest.fixture
def trained(table, tmp_path):
    """Return a function that trains with these plugins and gives the folder."""
    numbers = itertools.count()

    def run(names) -> Path:
        out = tmp_path / f"run-{next(numbers)}"
        return train(train=str(table), plugins=spelling(names), out=str(out), **OPTIONS).folder

    return run


@pytest.fixture
def stopped_and_resumed(trained, tmp_path, monkeypatch):
    """Return a function that stops such a run in the middle and continues it from its folder."""
    step = Trainer.optimizer_step

    def stops(self, rows) -> None:
        step(self, rows)
        if self.run.step == STOP:
            self.stop_signal = int(signal.SIGTERM)

    def run(names) -> Path:
        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "optimizer_step", stops)
            with pytest.raises(InterruptedRun, match=f"stopped at step {STOP}; the state is saved"):
                trained(names)
        (folder,) = (path.parent for path in tmp_path.glob("run-*/checkpoints"))
        return resume(folder).folder

    return run


def outcome(folder: Path) -> tuple[str, str, dict]:
    """Return the saved model's sha256, the records of all evaluations, and what plugins counted."""
    described = json.loads((folder / "run.json").read_text("utf-8"))
    assert described["status"] == "finished"
    assert described["result"]["steps"] > STOP + 1
    model = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    records = (folder / "metrics.jsonl").read_text("utf-8")
    return model, records, described["plugins"]["counters"]


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_a_pair_ends_alike_in_both_orders_and_after_a_stop(pair, trained, stopped_and_resumed):
    whole = outcome(trained(pair))
    assert outcome(trained(pair[::-1])) == whole
    if stateful(pair):
        assert outcome(stopped_and_resumed(pair)) == whole


@pytest.mark.parametrize("names", SETS, ids=" ".join)
def test_a_set_ends_alike_in_any_order_from_its_recipe_and_after_a_stop(
    names, trained, stopped_and_resumed, console, tmp_path
):
    folder = trained(names)
    whole = outcome(folder)
    assert outcome(trained(shuffled(names))) == whole
    again = tmp_path / "again"
    code, _, err = console("train", "--config", folder / "config.toml", "--out", again, "-q")
    assert code == 0, err
    assert outcome(again) == whole
    assert outcome(stopped_and_resumed(names)) == whole


@pytest.mark.parametrize("names", SETS, ids=" ".join)
def test_the_call_order_is_the_same_for_many_permutations_of_a_set(names):
    if len(names) <= 5:
        orders = itertools.permutations(names)
    else:
        orders = (shuffled(names, number) for number in range(120))
    assert prove_call_order(orders) in (6, 24, 120)
