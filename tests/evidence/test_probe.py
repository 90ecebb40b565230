"""The probe: the same rows with faults in their texts, paired with the answers before."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom

from titlekit.core.data.dataset import Dataset
from titlekit.core.data.noise import FAULTS
from titlekit.core.evidence.evaluation import evaluate
from titlekit.core.evidence.probe import STRENGTHS, paired_interval, probe
from titlekit.core.inference.answers import Answers

TEXTS = [
    "A Survey of Graph Kernels",
    "learning to rank with Decision Trees",
    "深度学习中的文本分类方法研究",
    "123 456",
] * 5
LABELS = np.array([1, 0, 0, 1] * 5)


class Capitals:
    """Answers 1 where a text begins with a capital; remembers what it was asked."""

    labels, positive = ["no", "yes"], "yes"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.pairs: list[str] = []

    def predict(self, texts, pairs=None, blank_label=""):
        self.asked += texts
        self.pairs += pairs or []
        predicted = np.array([int(text[:1].isupper()) for text in texts])
        chances = np.where(predicted[:, None] == np.arange(2), 0.9, 0.1)
        return Answers([self.labels[n] for n in predicted], chances.max(1), chances, predicted)


def rows(**more):
    return Dataset("rows.csv", TEXTS, LABELS, list(range(2, 22)), **more)


@pytest.fixture
def probed():
    predictor = Capitals()
    evaluation = evaluate(predictor, rows())
    predictor.asked = []
    return predictor, evaluation, probe(predictor, evaluation, seed=3)


def test_there_is_a_row_for_every_fault_and_strength(probed):
    found = probed[2]
    assert STRENGTHS.keys() == FAULTS.keys()
    assert [(one.fault, one.strength) for one in found.faults] == [
        (fault, strength) for fault, levels in STRENGTHS.items() for strength in levels
    ]
    assert all(len(levels) == 3 and list(levels) == sorted(levels) for levels in STRENGTHS.values())


def test_figures_are_those_of_the_answers_before_and_after(probed):
    found = probed[2]
    assert (found.rows, found.accuracy) == (20, 0.75)
    assert found.recall == {"no": 1.0, "yes": 0.5}
    for one in found.faults:
        assert one.difference == pytest.approx(one.accuracy - found.accuracy)
        assert one.gained - one.lost == round(20 * one.difference)
        assert one.lost + one.gained == one.answers_changed <= one.rows_changed
        assert one.accuracy == pytest.approx(np.mean([one.recall["no"], one.recall["yes"]]))
        assert one.interval["low"] <= one.difference <= one.interval["high"]
    cases = [one for one in found.faults if one.fault == "case"]
    # Chinese and digits have no case: half of the rows, of which the texts in Chinese stay right.
    assert [one.rows_changed for one in cases][-1] == 10
    assert cases[-1].answers_changed > 0
    glued = found.faults[-4]
    assert (glued.fault, glued.strength, glued.rows_changed) == ("header", 1.0, 20)


def test_only_changed_texts_are_answered_again(probed):
    predictor, _, found = probed
    assert len(predictor.asked) == sum(one.rows_changed for one in found.faults) < 15 * 20
    assert not set(predictor.asked) & set(TEXTS)


def test_the_seed_sets_the_faults_and_nothing_else(probed):
    predictor, evaluation, found = probed
    assert probe(predictor, evaluation, seed=3).to_json() == found.to_json()
    assert probe(predictor, evaluation, seed=4).to_json() != found.to_json()


def test_windows_and_second_texts_change_nothing(monkeypatch):
    predictor = Capitals()
    evaluation = evaluate(predictor, rows(pairs=[f"pair {n}" for n in range(20)]))
    whole = probe(predictor, evaluation)
    assert set(predictor.pairs) == {f"pair {n}" for n in range(20)}
    monkeypatch.setattr("titlekit.core.evidence.probe.WINDOW", 3)
    assert probe(predictor, evaluation).to_json() == whole.to_json()


def test_a_label_without_rows_has_no_recall():
    predictor = Capitals()
    data = Dataset("one.csv", TEXTS[:1] * 3, np.ones(3, np.int64), [2, 3, 4], sha256="ab")
    found = probe(predictor, evaluate(predictor, data)).to_json()
    assert found["recall"] == {"no": None, "yes": 1.0}
    assert found["data"] == {"name": "one.csv", "sha256": "ab"}
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(("lost", "rows"), [(40, 200), (5, 100), (300, 1000)])
def test_the_interval_of_a_loss_alone_is_the_binomials(lost, rows):
    found = paired_interval(lost, 0, rows)
    share = lost / rows
    assert found["low"] == pytest.approx(-binom.ppf(0.975, rows, share) / rows, abs=2 / rows)
    assert found["high"] == pytest.approx(-binom.ppf(0.025, rows, share) / rows, abs=2 / rows)


def test_rows_that_change_both_ways_widen_the_interval_and_no_change_has_none():
    assert paired_interval(0, 0, 50) == {"low": 0.0, "high": 0.0}
    even = paired_interval(20, 20, 100)
    # The variance of a difference of shares: (lost + gained) / rows - difference squared.
    assert even["high"] == pytest.approx(1.96 * np.sqrt(0.4 / 100), abs=0.02)
    assert even["low"] == pytest.approx(-even["high"], abs=0.02)
