"""swa against its formula, and what ema and swa share: swapping, frozen weights, resuming."""

from __future__ import annotations

import pytest
import torch

from steps import equal, largest_difference, small_trainer, weights_of
from titlekit.core.encoder import depths
from titlekit.core.training import state
from titlekit.core.training.checkpoint import pack, unpack
from titlekit.core.training.watch import idle
from titlekit.plugins.swa import Swa


def begun(spelling, steps, **options):
    """A trainer after some steps, and its weights after each."""
    trainer = small_trainer(spelling, **options)
    trainer.hooks.call.train_start(run=trainer.run)
    torch.manual_seed(3)
    weights = []
    for step in range(steps):
        trainer.optimizer_step(trainer.feed.batch(step))
        weights.append(weights_of(trainer.run.model))
    return trainer, weights


def evaluated_with(trainer):
    """The weights that an evaluation sees."""
    seen = []
    trainer.run.evaluate_here = lambda: seen.append(weights_of(trainer.run.model)) or {}
    trainer.hooks.call.evaluate(run=trainer.run)
    return seen[0]


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ("start=0.5", [3, 4, 5]),
        ("start=0.5,every=2", [3, 5]),
        ("start=0,every=4", [1, 5]),
        ("start=0", [0, 1, 2, 3, 4, 5]),
        ("start=0.8,every=9", [5]),
    ],
)
def test_swa_is_the_mean_of_the_weights_it_took(options, taken):
    trainer, weights = begun(f"swa({options})", 6)
    assert trainer.run.total_steps == 6
    found = evaluated_with(trainer)
    assert equal(weights_of(trainer.run.model), weights[-1])
    for name in found:
        mean = torch.stack([weights[step][name] for step in taken]).double().mean(0)
        assert float((found[name] - mean).abs().max()) < 3e-7
    assert trainer.hooks.plugins[0].counts() == {"weights taken": len(taken)}


def test_a_share_of_the_steps_is_not_rounded_up():
    plugin = Swa(start=0.07)
    plugin.total = 100  # 0.07 * 100 is a little more than 7 in floating point
    assert [plugin.phase(number) for number in range(5, 9)] == [1, 1, 0, 0]


def test_of_one_set_of_weights_the_mean_is_that_set():
    trainer, weights = begun("swa(start=0.5)", 4)
    assert equal(evaluated_with(trainer), weights[3])


def test_before_swa_begins_evaluations_see_the_raw_weights():
    trainer, weights = begun("swa(start=0.5)", 3)
    assert equal(evaluated_with(trainer), weights[2])
    assert trainer.hooks.plugins[0].state_dict() == {"average": {}, "taken": 0}


def test_the_weights_that_are_kept_are_the_mean_and_the_raw_ones_train_on():
    _, raw = begun("", 6)
    trainer = small_trainer("swa(start=0.3)", valid=None)
    seen = {}
    trainer.on_record = lambda record: seen.update({record["step"]: weights_of(trainer.run.model)})
    trainer.fit()
    assert set(seen) == {2, 3, 4, 6}
    assert all(equal(weights, raw[step - 1]) for step, weights in seen.items())
    mean = {name: torch.stack([one[name] for one in raw[2:]]).mean(0) for name in raw[0]}
    assert largest_difference(weights_of(trainer.run.model), mean) < 3e-7
    assert largest_difference(raw[-1], mean) > 1e-4


def test_a_skipped_step_is_not_taken():
    trainer, _ = begun("swa(start=0)", 2)
    (plugin,) = trainer.hooks.plugins
    before = {name: value.clone() for name, value in plugin.average.items()}
    trainer.run.step += 1
    trainer.hooks.call.after_step(run=trainer.run, stepped=torch.tensor(False))
    assert equal(before, plugin.average)
    assert plugin.counts() == {"weights taken": 2}
    trainer, _ = begun("swa(start=0),amp(dtype='fp16',init_scale=1e30)", 1)
    plugin = next(p for p in trainer.hooks.plugins if p.name == "swa")
    assert plugin.counts() == {"weights taken": 0}
    assert plugin.state_dict() == {"average": {}, "taken": 0}


@pytest.mark.parametrize("steps", [1, 3, 4, 5])
@pytest.mark.parametrize("spelling", ["swa(start=0.5)", "ema"])
def test_it_goes_on_from_its_state_bit_for_bit(spelling, steps):
    whole, _ = begun(spelling, steps, dropout=0.1)
    tensors: dict[str, torch.Tensor] = {}
    saved = pack(state.state_dict(whole), tensors)
    second = small_trainer(spelling, dropout=0.1)
    state.load_state_dict(second, unpack(saved, tensors))
    second.hooks.call.train_start(run=second.run)
    random = torch.get_rng_state()
    for trainer in (whole, second):
        torch.set_rng_state(random)
        for step in range(steps, 6):
            trainer.optimizer_step(trainer.feed.batch(step))
    assert equal(weights_of(whole.run.model), weights_of(second.run.model))
    assert equal(evaluated_with(whole), evaluated_with(second))
    assert whole.hooks.plugins[0].counts() == second.hooks.plugins[0].counts()


@pytest.mark.parametrize("spelling", ["swa(start=0)", "ema"])
def test_the_weights_are_put_back_when_an_evaluation_fails(spelling):
    trainer, weights = begun(spelling, 3)

    def fail():
        assert not equal(weights_of(trainer.run.model), weights[-1])
        raise RuntimeError("boom")

    trainer.run.evaluate_here = fail
    with pytest.raises(RuntimeError, match="boom"):
        trainer.hooks.call.evaluate(run=trainer.run)
    assert equal(weights[-1], weights_of(trainer.run.model))


@pytest.mark.parametrize("spelling", ["swa(start=0)", "ema(decay=0.9)"])
def test_averaging_does_not_move_frozen_weights(spelling):
    trainer = small_trainer(f"freeze(layers=1),{spelling}", epochs=6.0, dropout=0.1)
    places, _ = depths(trainer.run.model)
    before = weights_of(trainer.run.model)
    trainer.fit()
    after = weights_of(trainer.run.model)
    frozen = {name for name, place in places.items() if place <= 1}
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert largest_difference(before, after) > 0
    average = next(p for p in trainer.hooks.plugins if p.name != "freeze").average
    assert not frozen & set(average)


def test_a_run_too_short_for_a_mean_is_warned_about(caplog):
    trainer = small_trainer("swa", epochs=1.0)
    trainer.fit()
    assert caplog.messages[0] == (
        "swa(start=0.75, every=1) takes the weights of 0 of this run's 3 steps, which is no "
        "average; lower swa.start or swa.every"
    )
    assert idle(trainer.hooks.plugins) == ["swa"]
    caplog.clear()
    small_trainer("swa", epochs=3.0).fit()
    assert "no average" not in caplog.text
