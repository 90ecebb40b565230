"""check_plugin: built-in plugins keep the contract, and nothing of the caller's is changed."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from cases import CASES
from sound import Sound
from titlekit import Plugin, hookimpl
from titlekit.core.hooks.registry import builtins, load
from titlekit.core.hooks.spelling import parse
from titlekit.core.testing.check import CHECKS
from titlekit.testing import PluginFault, check_plugin


@pytest.mark.parametrize("name", sorted(CASES))
def test_built_in_plugins_keep_the_contract(name, quick_checks):
    assert notes_on(name) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_built_in_plugins_keep_the_whole_contract_beside_every_other(name):
    assert [note for note in notes_on(name) if not note.startswith("beside")] == []


def notes_on(name):
    ((_, options),) = parse(CASES[name][0])
    report = check_plugin(load(builtins()[name]), **options)
    assert report.name == name
    return list(report.notes)


def test_all_of_it_is_checked(neighbours):
    neighbours("label-smoothing", "freeze", "fgm")
    report = check_plugin(Sound)
    assert list(report.checked) == [check.name for check in CHECKS if not check.hook]
    assert str(report).startswith("sound: words, options, spelling, hooks, declarations, setup, ")
    assert report.notes == ()


def test_a_refusal_beside_another_is_a_note(neighbours, checks):
    checks("beside others")
    neighbours("freeze", "pgd")
    report = check_plugin(load(builtins()["fgm"]))
    text = (
        "beside freeze it is refused: the word embeddings got no gradient (frozen?), so the table "
        "cannot be attacked; train them, or push the inputs with at=inputs"
    )
    assert report.notes == (text,)  # pgd fills the same slot
    assert str(report).splitlines()[1:] == [f"- {text}"]


def test_a_neighbour_that_is_refused_by_itself_is_no_note(neighbours, checks):
    checks("beside others")
    neighbours("back-translation")  # which needs two models
    assert check_plugin(Sound).notes == ()


def test_the_caller_is_left_as_it_was(checks):
    checks("augment", "put back")
    torch.manual_seed(4)
    np.random.seed(4)
    random.seed(4)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    check_plugin(load(builtins()["word-noise"]))
    with pytest.raises(PluginFault, match="default dtype"):
        check_plugin(Doubled)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()
    assert before[2] == random.getstate()
    assert torch.get_default_dtype() == torch.float32
    assert not logging.getLogger("titlekit").disabled


@dataclass(eq=False)
class Doubled(Plugin):
    """Computes in float64 from here on."""

    when = "in these tests"

    @hookimpl
    def after_step(self):
        self.count("steps")
        torch.set_default_dtype(torch.float64)


def test_two_classes_do_where_three_are_refused(checks):
    checks("setup", "results")
    weights = {"weights": "wrong=1,correct=1.3"}
    report = check_plugin(load(builtins()["weighted-ce"]), **weights)
    assert report.notes == (
        "tried with two classes, for three are refused: weighted-ce.weights: no label 'wrong'  "
        "(labels: a, b, c)",
    )
