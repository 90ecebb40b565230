"""Every pair of built-in plugins that may be combined, proven at step level."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cases import CASES
from combinations import (
    ADVERSARIES,
    AT_TABLE,
    FREEZERS,
    LOSSES,
    MADE,
    PAIRS,
    SWAPPERS,
    fits,
    prove_accumulation,
    prove_call_order,
    prove_evaluation_may_fail,
    prove_orders,
    prove_resume,
    prove_spelling,
    prove_step_may_fail,
    spelling,
    stateful,
)
from steps import equal, gradients, largest_difference, small_trainer, weights_of
from titlekit import UsageError
from titlekit.core.hooks.assembly import Hooks
from titlekit.core.hooks.registry import builtins

pytestmark = pytest.mark.usefixtures("translated_once")


def test_every_plugin_has_a_row():
    assert sorted(CASES) == sorted(builtins())


def test_what_a_row_says_of_micro_batches_is_what_the_plugin_says():
    for name, (_, exact) in CASES.items():
        # Of amp the sums are those of the whole batch too, but for bfloat16's rounding.
        assert exact == (MADE[name].accumulates() and name != "amp")


def test_pairs_that_share_a_slot_are_refused_and_all_others_are_not():
    for one, other in itertools.combinations(MADE, 2):
        if MADE[one].slot and MADE[one].slot == MADE[other].slot:
            assert not fits(one, other)
            with pytest.raises(UsageError, match=r"fill the slot|given twice"):
                Hooks([MADE[one], MADE[other]])
        else:
            assert prove_call_order([(one, other), (other, one)]) == 2


@pytest.mark.parametrize("freezer", sorted(FREEZERS))
@pytest.mark.parametrize("attack", sorted(AT_TABLE))
def test_a_frozen_table_is_not_attacked_and_left_as_it_was(attack, freezer):
    assert not fits(attack, freezer)
    trainer = small_trainer(spelling([attack, freezer]))
    before = weights_of(trainer.run.model)
    with pytest.raises(UsageError, match="the word embeddings got no gradient"):
        gradients(trainer)
    assert equal(before, weights_of(trainer.run.model))


# Of pairs with nothing of their own to save every sixth is resumed, and the rest with -m slow.
RESUMED = [pair for number, pair in enumerate(PAIRS) if stateful(pair) or number % 6 == 0]


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_a_pair_steps_alike_in_every_order_resumes_and_accumulates(pair):
    prove_spelling(pair)
    first, *_, last = prove_orders([pair, pair[::-1]])
    if pair in RESUMED:
        prove_resume(first, last, steps=1)
    prove_accumulation(first)


@pytest.mark.slow
@pytest.mark.parametrize("pair", [p for p in PAIRS if p not in RESUMED], ids=" ".join)
def test_a_pair_without_a_state_of_its_own_resumes(pair):
    first, last = (small_trainer(spelling(order), dropout=0.1) for order in (pair, pair[::-1]))
    first.run.model.train()
    last.run.model.train()
    prove_resume(first, last, steps=1)


@pytest.mark.parametrize("pair", [p for p in PAIRS if {*p} & {*ADVERSARIES}], ids=" ".join)
def test_a_pair_leaves_all_as_it_was_whichever_pass_fails(pair):
    prove_step_may_fail(pair)


@pytest.mark.parametrize("pair", [p for p in PAIRS if {*p} & {*SWAPPERS}], ids=" ".join)
def test_a_pair_leaves_the_raw_weights_when_an_evaluation_fails(pair):
    prove_evaluation_may_fail(pair)


# Adversaries that normalise over the rows of a micro-batch, and what they are tried with.
OVER_ROWS = [name for name in ADVERSARIES if not MADE[name].accumulates()]
OTHERS = [[], *([name] for name in LOSSES), ["label-smoothing"], ["r-drop"]]


def test_every_adversary_has_a_form_that_normalises_over_rows():
    assert {MADE[name].name for name in OVER_ROWS} == {MADE[name].name for name in ADVERSARIES}


@pytest.mark.parametrize("other", OTHERS, ids=" ".join)
@pytest.mark.parametrize("adversary", OVER_ROWS)
def test_accumulated_it_is_the_mean_of_the_micro_batches_alone(adversary, other):
    weights = np.linspace(0.5, 2, 24).astype(np.float32)
    trainer = small_trainer(spelling([adversary, *other]), weights=weights)
    parts = np.arange(4), np.arange(4, 7)
    alone = [gradients(trainer, part) for part in parts]
    whole = gradients(trainer, np.arange(7))
    trainer.run.micro_batches = 2
    found = gradients(trainer, np.arange(7))
    shares = [weights[part].sum() / weights[:7].sum() for part in parts]
    expected = {n: shares[0] * alone[0][n] + shares[1] * alone[1][n] for n in found}
    assert largest_difference(found, expected) < 1e-6
    assert largest_difference(found, whole) > 1e-5
