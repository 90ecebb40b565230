"""The estimator inside scikit-learn: its own checks, searches, pipelines, calibration."""

from __future__ import annotations

import unittest
import warnings

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

from tiny import FAULTS, TITLES
from titlekit import TitleClassifier

X = np.array([f"{text} {number}" for number in range(3) for text in (*TITLES, *FAULTS)], object)
Y = np.array((["title"] * len(TITLES) + ["fault"] * len(FAULTS)) * 3)
FAST = {"model": "tiny", "epochs": 1, "batch_size": 16, "eval_every": 1, "random_state": 0}


def estimator(**params):
    return TitleClassifier(**{**FAST, **params})


# Its own checks

# Checks that cannot pass, and why; everything else must. A check here that passes fails its test.
TEXT = "X is text: it has no features whose number could be told or checked"
NUMBERS = "it feeds X that is wrong as numbers; the words made of them are texts like any other"
NOT_FOR_TEXT = {
    "check_n_features_in": TEXT,
    "check_n_features_in_after_fitting": TEXT,
    "check_estimators_empty_data_messages": TEXT,
    "check_dtype_object": NUMBERS,
    "check_estimator_sparse_array": NUMBERS,
    "check_estimator_sparse_matrix": NUMBERS,
    "check_estimator_sparse_tag": NUMBERS,
    "check_fit1d": NUMBERS,
    "check_fit2d_predict1d": NUMBERS,
    "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 is one row of a batch, two "
    "equal rows are two; weight 0 equals absence, which tests/test_classifier.py shows",
    "check_do_not_raise_errors_in_init_or_set_params": "it takes **options for a parameter named "
    "options; a name that is none is refused at once, as Python does",
}


def words(numbers) -> list[str]:
    """One text a row: of each column its letter and its value, rounded."""
    rows = np.asarray(numbers)
    return [" ".join(f"{'abcdefgh'[c % 8]}{v:+.0f}" for c, v in enumerate(row)) for row in rows]


class OnNumbers(TitleClassifier):
    """Reads numbers as words, for checks that have only numbers; it checks their width alone."""

    def fit(self, X, y, sample_weight=None):
        super().fit(words(X), y, sample_weight)
        self.width_ = np.asarray(X).shape[1]
        return self

    def _logits(self, X):
        if hasattr(self, "width_") and np.asarray(X).shape[1] != self.width_:
            raise ValueError(f"expected {self.width_} columns")
        return super()._logits(words(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = tags.input_tags.string = False
        return tags


def name_of(check) -> str:
    return getattr(check, "func", check).__name__


def checks():
    for made, check in estimator_checks_generator(OnNumbers(), legacy=True):
        assert type(made) is OnNumbers
        name, ways = name_of(check), list(getattr(check, "keywords", {}))
        again = name == "check_classifiers_train" and ways  # the same in read-only memory
        marks = [pytest.mark.slow] if again else []
        yield pytest.param(check, id="-".join([name, *ways]), marks=marks)


@pytest.mark.parametrize("check", list(checks()))
def test_scikit_learns_own_check(check):
    learns = name_of(check) == "check_classifiers_train"  # it asks for an accuracy above 0.83
    made = OnNumbers(
        "tiny", epochs=3 if learns else 1, batch_size=16, learning_rate=2e-3, random_state=0,
        validation_fraction=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(made)
        except unittest.SkipTest as skipped:
            pytest.skip(str(skipped))
        except Exception:
            if name_of(check) not in NOT_FOR_TEXT:
                raise
            return
    assert name_of(check) not in NOT_FOR_TEXT, "it passes: take it off the list"


def test_the_list_names_checks_that_there_are():
    assert set(NOT_FOR_TEXT) <= {name_of(param.values[0]) for param in checks()}


def test_weird_values_are_no_matter_before_a_fit():
    names = TitleClassifier().get_params()
    for value in (-1, "weird", b"weird", {}, [], np.nan, 3.5, object()):
        made = TitleClassifier(**dict.fromkeys(names, value))
        assert made.set_params(**dict.fromkeys(names, value)).get_params(deep=False)["out"] is value
        clone(made) if not isinstance(value, object) else None


def test_tags_say_that_x_is_one_column_of_texts():
    tags = get_tags(TitleClassifier())
    assert is_classifier(TitleClassifier())
    kinds = tags.input_tags
    assert (kinds.one_d_array, kinds.two_d_array, kinds.string) == (True, False, True)
    assert kinds.allow_nan  # a missing text is a blank one
    assert tags.target_tags.required
    assert not tags.input_tags.sparse


# With others


def test_a_search_over_plugins_and_their_options():
    grid = [
        {"plugins": ["", "focal"], "focal__gamma": [0.5, 4.0]},
        {"plugins": ["focal,fgm"], "focal__gamma": np.linspace(1, 1, 1), "batch_size": [8]},
    ]
    search = GridSearchCV(estimator(), grid, cv=2, error_score="raise", scoring="neg_log_loss")
    search.fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == scores[2]  # without focal its gamma has no effect
    assert len({*scores}) == 4
    best = search.best_estimator_
    assert best.get_params() == {**estimator().get_params(), **best.get_params()}
    assert search.predict(X[:3]).shape == (3,)
    assert best.plugin_options == {"focal__gamma": search.best_params_["focal__gamma"]}


def test_cross_validation_repeats_itself_and_equals_fits_by_hand():
    scores = cross_val_score(estimator(plugins="ema"), X, Y, cv=2, error_score="raise")
    found = cross_validate(
        estimator(plugins="ema"), X, Y, cv=2, return_estimator=True, return_indices=True,
        scoring=["accuracy", "roc_auc"],
    )  # fmt: skip
    assert np.array_equal(scores, found["test_accuracy"])
    rows = found["indices"]["train"][0]
    by_hand = estimator(plugins="ema").fit(X[rows], Y[rows]).predict_proba(X)
    assert np.array_equal(found["estimator"][0].predict_proba(X), by_hand)
    columns = cross_val_predict(estimator(plugins="ema"), X, Y, cv=2, method="predict_proba")
    others = found["indices"]["test"][0]
    # Other rows stand beside them: the same scores but for the order of sums in float32.
    assert np.allclose(columns[others], by_hand[others], rtol=0, atol=1e-6)


def test_a_pipeline_passes_parameters_and_weights_on():
    clean = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipe = make_pipeline(clean, estimator())
    pipe.set_params(titleclassifier__plugins="focal", titleclassifier__focal__gamma=1.0)
    weights = np.arange(60) % 3 + 1.0
    pipe.fit(X, Y, titleclassifier__sample_weight=weights)
    alone = estimator(plugins="focal", focal__gamma=1.0)
    alone.fit([text.lower() for text in X], Y, weights)
    assert np.array_equal(pipe.predict_proba(X), alone.predict_proba([t.lower() for t in X]))
    assert pipe.get_params()["titleclassifier__focal__gamma"] == 1.0
    assert clone(pipe).get_params()["titleclassifier__focal__gamma"] == 1.0
    assert list(pipe.classes_) == ["fault", "title"]


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_its_probabilities_can_be_calibrated(method):
    found = CalibratedClassifierCV(estimator(epochs=2), method=method, cv=2).fit(X, Y)
    probabilities = found.predict_proba(list(X))
    assert probabilities.shape == (60, 2)
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_it_can_vote():
    members = [(str(seed), estimator(random_state=seed)) for seed in (0, 1)]
    found = VotingClassifier(members, voting="soft").fit(X, Y)
    alone = [member.fit(X, Y).predict_proba(X) for _, member in members]
    assert np.allclose(found.predict_proba(X), np.mean(alone, axis=0))


@pytest.mark.slow
def test_processes_answer_as_one_does():
    options = {"cv": 2, "method": "predict_proba"}
    alone = cross_val_predict(estimator(plugins="focal,fgm"), X, Y, **options)
    assert np.allclose(
        cross_val_predict(estimator(plugins="focal,fgm"), X, Y, n_jobs=2, **options), alone
    )
    found = cross_validate(estimator(), X, Y, cv=2, n_jobs=2, return_estimator=True)
    again = cross_validate(estimator(), X, Y, cv=2, return_estimator=True)
    for one, other in zip(found["estimator"], again["estimator"], strict=True):
        assert np.allclose(one.predict_proba(X), other.predict_proba(X))
