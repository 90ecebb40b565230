"""Every pair of built-in plugins that may be combined, proven at step level."""

from __future__ import annotations

import itertools

import pytest
import torch

from cases import CASES, CLOCKS, TEXTS
from steps import equal, gradients, largest_difference, plugins, small_trainer, weights_of
from titlekit import UsageError
from titlekit.core.hooks.assembly import Hooks
from titlekit.core.hooks.registry import builtins, spell_plugins
from titlekit.core.training import state
from titlekit.core.training.checkpoint import pack, unpack


def allowed(*names: str) -> bool:
    try:
        Hooks(plugins(",".join(names)))
    except UsageError:
        return False
    return True


PAIRS = [pair for pair in itertools.combinations(sorted(CASES), 2) if allowed(*pair)]


def spelling(pair: tuple[str, ...]) -> str:
    return ",".join(CASES[name][0] for name in pair)


def test_every_plugin_has_a_row():
    assert sorted(CASES) == sorted(builtins())


def test_pairs_that_share_a_slot_are_refused():
    slots = {name: plugins(name)[0].slot for name in CASES}
    for one, other in itertools.combinations(sorted(CASES), 2):
        assert allowed(one, other) == (slots[one] is None or slots[one] != slots[other])


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_a_pair_steps_alike_in_both_orders_accumulated_and_put_back(pair):
    made = plugins(spelling(pair))
    assert (
        plugins(spell_plugins(made))[0].options() == sorted(made, key=lambda p: p.name)[0].options()
    )
    trainer = small_trainer(made=made, dropout=0.1)
    before = weights_of(trainer.run.model)
    found = gradients(trainer)
    assert equal(before, weights_of(trainer.run.model))
    assert all(bool(value.isfinite().all()) for value in found.values())
    assert equal(found, gradients(small_trainer(made=plugins(spelling(pair[::-1])), dropout=0.1)))
    if all(CASES[name][1] for name in pair):
        whole = gradients(small_trainer(spelling(pair)))
        parts = gradients(small_trainer(spelling(pair), grad_accum=4))
        assert largest_difference(whole, parts) < 1e-6


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if not TEXTS & {*pair}], ids=" ".join)
def test_a_pair_trains_on_from_its_state_bit_for_bit(pair):
    whole = small_trainer(spelling(pair), dropout=0.1)
    whole.hooks.call.train_start(run=whole.run)
    torch.manual_seed(3)
    for step in range(2):
        whole.optimizer_step(whole.feed.batch(step))
    tensors: dict[str, torch.Tensor] = {}
    saved = pack(state.state_dict(whole), tensors)
    second = small_trainer(spelling(pair), dropout=0.1)
    state.load_state_dict(second, unpack(saved, tensors))
    second.hooks.call.train_start(run=second.run)
    random = torch.get_rng_state()
    whole.optimizer_step(whole.feed.batch(2))
    torch.set_rng_state(random)
    second.optimizer_step(second.feed.batch(2))
    assert equal(weights_of(whole.run.model), weights_of(second.run.model))
    for one, other in zip(whole.hooks.plugins, second.hooks.plugins, strict=True):
        assert one.counts() == other.counts()
        if one.name in CLOCKS:
            continue
        kept, found = {}, {}
        assert pack(one.state_dict(), kept) == pack(other.state_dict(), found)
        assert equal(kept, found)
