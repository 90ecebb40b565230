"""The same plugin object in a second run is as good as a new one."""

from __future__ import annotations

import pytest
import torch

from cases import CASES
from steps import equal, plugins, small_trainer, weights_of
from titlekit.core.errors import InterruptedRun
from titlekit.core.hooks.registry import builtins
from titlekit.core.training import state
from titlekit.core.training.checkpoint import pack, unpack

pytestmark = pytest.mark.usefixtures("translated_once")


def ended(made, seed, stop_at=0):
    """Train with these plugin objects; return all that can be seen of the run afterwards."""
    trainer = small_trainer(made=made, seed=seed, dropout=0.1, rows=16, epochs=1.0, eval_every=1.0)
    records = []
    trainer.on_record = records.append
    after = trainer.optimizer_step

    def step(rows):
        after(rows)
        if trainer.run.step == stop_at:
            trainer.stop_signal = 2

    trainer.optimizer_step = step
    if stop_at:
        with pytest.raises(InterruptedRun):
            trainer.fit()
    else:
        trainer.fit()
    counts = {plugin.name: plugin.counts() for plugin in made}
    return weights_of(trainer.run.model), (records, counts, trainer.run.stop_reasons)


HOLDING = ["awp", "checkpointing", "ema", "lora", "swa", "time-limit", "word-noise"]  # attributes


@pytest.mark.parametrize(
    ("name", "stop_at"), [*((name, 0) for name in builtins()), *((name, 1) for name in HOLDING)]
)
def test_an_object_begins_anew_in_a_second_run(name, stop_at):
    spelling, _ = CASES[name]
    made = plugins(spelling)
    ended(made, 1, stop_at)
    (weights, seen), (fresh, expected) = ended(made, 2), ended(plugins(spelling), 2)
    assert equal(weights, fresh)
    assert seen == expected


def test_the_time_of_a_run_that_was_continued_is_not_that_of_the_next():
    made = plugins("time-limit(minutes=30)")
    first = small_trainer(made=made)
    saved = state.state_dict(first)
    saved["run"]["step"], saved["plugins"]["time-limit"]["state"] = 2, {"seconds": 3000.0}
    state.load_state_dict(first, saved)
    assert first.fit().stop_reasons == ["30 minutes are over"]
    assert small_trainer(made=made).fit().stop_reasons == []


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("spelling", ["swa(start=0.5)", "ema(decay=0.9)"])
def test_a_used_object_goes_on_from_the_state_it_is_given(spelling, steps):
    """Also from a state saved before the mean began."""
    whole = small_trainer(spelling)
    whole.start()
    for step in range(steps):
        whole.optimizer_step(whole.feed.batch(step))
    tensors: dict[str, torch.Tensor] = {}
    saved = pack(state.state_dict(whole), tensors)
    made = plugins(spelling)
    small_trainer(made=made, lr=0.05).fit()
    second = small_trainer(made=made)
    state.load_state_dict(second, unpack(saved, tensors))
    for trainer in (whole, second):
        trainer.fit()
    assert equal(weights_of(whole.run.model), weights_of(second.run.model))
    assert whole.hooks.plugins[0].counts() == second.hooks.plugins[0].counts()
