"""What --dry-run prints is what the run does."""

from __future__ import annotations

import functools
import inspect
import json
import re

import pytest
import torch

from console import write_table
from steps import first_ids
from titlekit.core.hooks.assembly import implementations
from titlekit.core.hooks.registry import builtins, load
from titlekit.core.hooks.specs import NOTICES, PIPES

SET = "focal,fgm(every=2,at='inputs'),llrd,ema(decay=0.5),label-smoothing,word-noise,freeze,cosine"


@pytest.fixture
def words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = write_table(tmp_path / "titles.csv")
    return ["train", table, "--model", "tiny", "--device", "cpu", "--epochs", "2", "--batch-size",
            "16", "--grad-accum", "2", "--plugins", SET]  # fmt: skip


def watched(monkeypatch, calls):
    """Note which plugin each hook really calls, and in which order."""
    for name in builtins():
        cls = load(builtins()[name])
        for hook in implementations(cls):
            original = vars(cls)[hook]

            def note(self, hook=hook):
                calls.setdefault(hook, []).append(self.name)

            if inspect.isgeneratorfunction(original):

                def method(self, *given, _original=original, _note=note, **named):
                    _note(self)
                    return (yield from _original(self, *given, **named))

            else:

                def method(self, *given, _original=original, _note=note, **named):
                    _note(self)
                    return _original(self, *given, **named)

            monkeypatch.setattr(cls, hook, functools.wraps(original)(method))


def test_a_run_does_what_its_dry_run_said(console, words, tmp_path, monkeypatch):
    code, out, err = console(*words, "--dry-run", "--json")
    assert code == 0, err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["titles.csv"]
    said = json.loads(out)
    estimate, options = said.pop("estimate"), said.pop("options")
    calls: dict[str, list[str]] = {}
    watched(monkeypatch, calls)
    rates: list[list[float]] = []
    step = torch.optim.AdamW.step

    def counted(self, *given, **named):
        rates.append([group["lr"] for group in self.param_groups])
        return step(self, *given, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", counted)
    code, _, err = console(*words, "--out", "run")
    assert code == 0, err
    did = json.loads((tmp_path / "run" / "run.json").read_text())
    # The same facts from both, and those facts against what was counted from outside.
    assert did["plan"] == said
    for name, option in did["options"].items():
        if name not in ("train", "out"):
            assert option == options[name], name
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert sum("valid_f1" in record for record in records) == said["evaluations"] == 8
    assert len(rates) == did["result"]["steps"] == said["steps"] == 14
    assert did["costs"]["forward_passes"] == said["passes"] * said["micro_batches"] * said["steps"]
    assert len(rates[0]) == len(said["groups"])
    for number, group in enumerate(said["groups"]):
        # The largest rate of the run is the group's own: the schedule's factor is 1 at its top.
        assert max(rate[number] for rate in rates) == pytest.approx(group["lr"])
    trained = sum(group["parameters"] for group in said["groups"])
    assert trained == said["trainable_parameters"] < said["parameters"]
    for hook in (*PIPES, *NOTICES):
        names = [name for name in said["hooks"].get(hook, []) if name != "core"]
        assert calls.get(hook, [])[: len(names)] == names, hook
    assert estimate["seconds"] == pytest.approx(
        estimate["epochs"] * estimate["seconds_before_epoch"]
        + said["steps"] * estimate["seconds_per_step"]
        + said["evaluations"] * estimate["seconds_per_evaluation"]
    )
    # Nearly all of it is torch itself, which both processes hold: this one.
    assert estimate["peak_memory_mb"] == pytest.approx(did["costs"]["peak_memory_mb"], rel=0.2)


def test_the_printed_plan_is_complete(console, words):
    code, out, err = console(*words, "--dry-run")
    assert code == 0, err
    assert re.search(r"--epochs +2\.0 +command line", out)
    assert re.search(r"--lr +0\.0005 +default of tiny", out)
    assert re.search(r"backward +fgm > core", out)
    assert re.search(r"layer 1 +0\.000475 +0\.01 +6 +196,608", out)
    assert (
        "108 training rows, 12 validation rows; 7 steps an epoch, 14 in all, 8 evaluations; "
        "16 rows a step in 2 micro-batches, 1.5 forward passes a micro-batch; at most "
    ) in out
    assert re.search(
        r"Estimated from 8 steps here: \d+ s \(\d+\.\d\d seconds a step, \d+\.\d an evaluation\), "
        r"\d+\.\d GB of memory\n", out,
    )  # fmt: skip
    assert out.rstrip().endswith("Nothing was trained.")


def test_micro_batches_that_memory_forces_are_told(console, words, monkeypatch):
    from titlekit.core.training import trainer

    whole = trainer.with_features

    def limited(model):
        forward, handle = whole(model)

        def narrow(inputs):
            if torch.is_grad_enabled() and len(first_ids(inputs)) > 4:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return forward(inputs)

        return narrow, handle

    monkeypatch.setattr(trainer, "with_features", limited)
    code, out, err = console(*words[:-2], "--dry-run")
    assert code == 0, err
    assert "16 rows a step in 4 micro-batches, 1 forward pass a micro-batch" in out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (125, "2 min 05 s"), (12_000, "3 h 20 min")],
)
def test_durations_read_like_a_clock(seconds, text):
    from titlekit.cli.show import duration

    assert duration(seconds) == text
