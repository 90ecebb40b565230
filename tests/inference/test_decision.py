"""decision.json: temperature and threshold, checked, and the default that changes nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titlekit import DataError, UsageError
from titlekit.core.inference.decision import Decision
from titlekit.core.inference.scoring import softmax

LOGITS = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)


@given(
    st.lists(st.tuples(*[st.floats(-30, 30, width=32)] * 2), min_size=1, max_size=20),
    st.sampled_from([None, 0, 1]),
)
def test_the_default_is_the_likeliest_label(rows, positive):
    logits = np.array(rows, np.float32)
    probabilities, predicted = Decision().apply(logits, positive)
    assert np.array_equal(probabilities, softmax(logits))
    assert np.array_equal(predicted, probabilities.argmax(axis=1))


def test_of_equal_labels_the_first_is_chosen_whichever_is_positive():
    even = np.zeros((3, 2), np.float32)
    for positive in (None, 0, 1):
        assert Decision().apply(even, positive)[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.9, 1.0])
def test_the_positive_label_is_predicted_from_the_threshold_on(positive, threshold):
    probabilities, predicted = Decision(threshold=threshold).apply(LOGITS, positive)
    reached = probabilities[:, positive] >= threshold
    assert np.array_equal(predicted == positive, reached)
    assert 0 < reached.sum() < 200 or threshold in (0.0, 1.0)


def test_the_threshold_needs_two_classes_and_a_positive_one():
    three = np.concatenate([LOGITS, LOGITS[:, :1]], axis=1)
    for logits, positive in ((three, 1), (LOGITS, None)):
        predicted = Decision(threshold=0.99).apply(logits, positive)[1]
        assert np.array_equal(predicted, logits.argmax(axis=1))


def test_a_temperature_softens_the_scores_and_keeps_the_labels():
    plain, labels = Decision().apply(LOGITS, 1)
    soft, same = Decision(temperature=4.0).apply(LOGITS, 1)
    assert np.array_equal(labels, same)
    assert np.allclose(soft, softmax(LOGITS / 4))
    assert (soft.max(axis=1) < plain.max(axis=1)).all()


def test_a_folder_keeps_it(tmp_path):
    assert Decision.read(tmp_path) == Decision()
    Decision(1.5, 0.25).write(tmp_path)
    assert Decision.read(tmp_path) == Decision(1.5, 0.25)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"temperature": 0}', "temperature: expected a number above 0, got '0'"),
        ('{"temperature": "hot"}', "temperature: expected a number above 0, got 'hot'"),
        ('{"temperature": NaN}', "temperature: expected a number above 0, got 'nan'"),
        ('{"temperature": 1e999}', "temperature: expected a number above 0, got 'inf'"),
        ('{"threshold": true}', "threshold: expected a number from 0 to 1, got 'True'"),
        ('{"threshold": 1.01}', "threshold: expected a number from 0 to 1, got '1.01'"),
        ('{"threshold": -1}', "threshold: expected a number from 0 to 1, got '-1'"),
    ],
)
def test_nonsense_is_refused(tmp_path, text, message):
    (tmp_path / "decision.json").write_text(text)
    with pytest.raises(DataError, match=f"^{re.escape(f'{tmp_path}/decision.json: {message}')}$"):
        Decision.read(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", "\x00"])
def test_what_is_no_object_is_refused(tmp_path, text):
    (tmp_path / "decision.json").write_text(text)
    with pytest.raises(UsageError, match=r"decision\.json"):
        Decision.read(tmp_path)
