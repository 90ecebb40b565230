"""Thirty random sets of 3 to 8 built-in plugins, proven at step level as pairs are."""

from __future__ import annotations

import itertools

import pytest

from combinations import (
    ADVERSARIES,
    FORMS,
    SETS,
    SWAPPERS,
    draw,
    fits,
    prove_accumulation,
    prove_call_order,
    prove_evaluation_may_fail,
    prove_orders,
    prove_resume,
    prove_spelling,
    prove_step_may_fail,
    shuffled,
    spelling,
)
from steps import small_trainer

pytestmark = pytest.mark.usefixtures("translated_once")


def test_the_sets_are_many_distinct_allowed_and_hold_every_plugin():
    assert len(SETS) >= 30
    assert len({frozenset(names) for names in SETS}) == len(SETS)
    assert {len(names) for names in SETS} == {3, 4, 5, 6, 7, 8}
    assert {name for names in SETS for name in names} == {*FORMS}
    for names in SETS:
        assert all(fits(*pair) for pair in itertools.combinations(names, 2))


def test_the_sets_depend_on_nothing_but_the_names(monkeypatch):
    monkeypatch.setattr("combinations.FORMS", dict.fromkeys(reversed(FORMS)))
    again = list(dict.fromkeys(map(draw, range(len(SETS)))))
    assert again == SETS[: len(again)]


@pytest.mark.parametrize("names", SETS, ids=" ".join)
def test_the_call_order_is_the_same_for_the_permutations_of_a_set(names):
    if len(names) <= 4:
        prove_call_order(itertools.permutations(names))
    else:
        prove_call_order(shuffled(names, number) for number in range(12))


@pytest.mark.parametrize("names", SETS, ids=" ".join)
def test_a_set_steps_alike_in_every_order_resumes_and_accumulates(names):
    prove_spelling(names)
    first, *_, last = prove_orders([names, names[::-1], shuffled(names)])
    prove_resume(first, last, steps=2)
    prove_accumulation(first)


@pytest.mark.parametrize("names", [s for s in SETS if "amp" in s], ids=" ".join)
def test_a_set_trains_on_under_the_scaler_that_it_had(names):
    # The scale is so large that some of the steps overflow and are skipped.
    scaled = "amp(dtype='fp16',init_scale=262144)"
    orders = [spelling(order).replace(FORMS["amp"], scaled) for order in (names, names[::-1])]
    whole, second = (small_trainer(order, dropout=0.1) for order in orders)
    assert whole.run.precision.name == "fp16"
    prove_resume(whole, second, steps=2)


@pytest.mark.parametrize("names", [s for s in SETS if {*s} & {*ADVERSARIES}], ids=" ".join)
def test_a_set_leaves_all_as_it_was_whichever_pass_fails(names):
    prove_step_may_fail(names)


@pytest.mark.parametrize("names", [s for s in SETS if {*s} & {*SWAPPERS}], ids=" ".join)
def test_a_set_leaves_the_raw_weights_when_an_evaluation_fails(names):
    prove_evaluation_may_fail(names)
