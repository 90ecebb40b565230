"""Metrics: scikit-learn's values, nan where something is undefined, scorers by name."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference

from titlekit import UsageError
from titlekit.core.training.metrics import (
    check_metric,
    default_metric,
    evaluate_scores,
    metric_value,
)


def made(rows: int = 400, classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return random probabilities [N, C] and labels [N] that agree more often than by chance."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    logits = rng.normal(size=(rows, classes))
    logits[np.arange(rows), labels] += 1
    shifted = np.exp(logits)
    return shifted / shifted.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("at", [0, 1])
def test_two_classes_match_scikit_learn(at):
    probabilities, labels = made()
    names = ["wrong", "correct"]
    found = evaluate_scores(probabilities, labels, names, names[at])
    predicted = probabilities.argmax(axis=1)
    score = probabilities[:, at]
    expected = {
        "accuracy": reference.accuracy_score(labels, predicted),
        "precision": reference.precision_score(labels, predicted, pos_label=at),
        "recall": reference.recall_score(labels, predicted, pos_label=at),
        "f1": reference.f1_score(labels, predicted, pos_label=at),
        "specificity": reference.recall_score(labels, predicted, pos_label=1 - at),
        "macro_f1": reference.f1_score(labels, predicted, average="macro"),
        "mcc": reference.matthews_corrcoef(labels, predicted),
        "roc_auc": reference.roc_auc_score(labels == at, score),
        "average_precision": reference.average_precision_score(labels == at, score),
        "log_loss": reference.log_loss(labels, probabilities),
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert found["confusion_matrix"] == reference.confusion_matrix(labels, predicted).tolist()
    assert found["rows"] == 400
    report = reference.classification_report(labels, predicted, output_dict=True)
    for place, name in enumerate(names):
        row = report[str(place)]
        assert found["per_class"][name] == pytest.approx(
            {"precision": row["precision"], "recall": row["recall"], "f1": row["f1-score"]}
            | {"support": row["support"]}
        )


def test_many_classes_match_scikit_learn():
    probabilities, labels = made(classes=5)
    found = evaluate_scores(probabilities, labels, list("abcde"), None)
    hot, predicted = np.eye(5)[labels], probabilities.argmax(axis=1)
    assert found["mcc"] == pytest.approx(reference.matthews_corrcoef(labels, predicted))
    assert found["log_loss"] == pytest.approx(reference.log_loss(labels, probabilities))
    assert found["roc_auc"] == pytest.approx(
        reference.roc_auc_score(labels, probabilities, multi_class="ovr")
    )
    assert found["average_precision"] == pytest.approx(
        reference.average_precision_score(hot, probabilities, average="macro")
    )
    assert "f1" not in found
    assert "specificity" not in found


@pytest.mark.parametrize("rows", [2, 3, 7, 50])
@pytest.mark.parametrize("step", [0.5, 0.1, 0.001])
def test_equal_scores_are_ranked_as_scikit_learn_does(rows, step):
    """Scores in steps of 1 / 2, where nearly all are equal, to 1 / 1000."""
    rng = np.random.default_rng(rows)
    for _ in range(10):
        labels = rng.permutation(np.arange(rows) % 2)
        score = np.round(rng.random(rows) / step) * step
        probabilities = np.stack([1 - score, score], axis=1)
        found = evaluate_scores(probabilities, labels, ["a", "b"], "b")
        expected = {
            "roc_auc": reference.roc_auc_score(labels, score),
            "average_precision": reference.average_precision_score(labels, score),
            "mcc": reference.matthews_corrcoef(labels, probabilities.argmax(axis=1)),
            "log_loss": reference.log_loss(labels, probabilities),
        }
        assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_without_a_positive_the_second_of_two_classes_is_ranked():
    probabilities, labels = made()
    found = evaluate_scores(probabilities, labels, ["a", "b"], None)
    assert found["roc_auc"] == pytest.approx(reference.roc_auc_score(labels, probabilities[:, 1]))


def test_a_class_that_does_not_occur_is_left_out_of_the_means():
    probabilities, labels = made(classes=3)
    wide = np.concatenate([probabilities, np.zeros((len(labels), 1))], axis=1)
    narrow = evaluate_scores(probabilities, labels, list("abc"), None)
    found = evaluate_scores(wide, labels, list("abcd"), None)
    for key in ("macro_f1", "roc_auc", "average_precision"):
        assert found[key] == pytest.approx(narrow[key])
    assert math.isnan(found["per_class"]["d"]["f1"])


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    sure = np.array([[0.9, 0.1]] * 10)
    labels = np.array([0] * 6 + [1] * 4)
    assert evaluate_scores(sure, labels, ["a", "b"], "b")["ece"] == pytest.approx(0.3)
    # Two bins: ten rows at 0.9 with a gap of 0.3, thirty at 0.6 with a gap of 0.1.
    mixed = np.concatenate([sure, np.array([[0.4, 0.6]] * 30)])
    labels = np.concatenate([labels, np.array([1] * 21 + [0] * 9)])
    assert evaluate_scores(mixed, labels, ["a", "b"], "b")["ece"] == pytest.approx(0.15)


def test_the_decision_changes_counts_and_leaves_the_ranking():
    probabilities, labels = made()
    plain = evaluate_scores(probabilities, labels, ["a", "b"], "b")
    always = evaluate_scores(probabilities, labels, ["a", "b"], "b", np.ones_like(labels))
    assert always["recall"] == 1.0
    assert always["specificity"] == 0.0
    assert always["roc_auc"] == plain["roc_auc"]
    assert always["ece"] == plain["ece"]


def test_one_class_in_the_rows_leaves_ranking_undefined():
    probabilities, _ = made(20)
    found = evaluate_scores(probabilities, np.zeros(20, np.int64), ["a", "b"], "b")
    undefined = {key for key, value in found.items() if value != value}
    assert undefined == {"recall", "mcc", "roc_auc", "average_precision"}
    assert found["f1"] == 0.0


def test_one_class_predicted_leaves_precision_undefined():
    probabilities = np.array([[0.9, 0.1]] * 4)
    found = evaluate_scores(probabilities, np.array([0, 1, 0, 1]), ["a", "b"], "b")
    assert math.isnan(found["precision"])
    assert (found["recall"], found["f1"], found["mcc"]) == (0.0, 0.0, 0.0)
    assert found["roc_auc"] == 0.5


@pytest.mark.parametrize("rows", [0, 6])
def test_no_rows_and_scores_that_are_not_finite_make_everything_nan(rows):
    probabilities = np.full((rows, 2), np.nan)
    found = evaluate_scores(probabilities, np.zeros(rows, np.int64), ["a", "b"], "b")
    counts = (found.pop("per_class"), found.pop("confusion_matrix"), found.pop("rows"))
    assert all(math.isnan(value) for value in found.values())
    assert counts[1:] == ([[0, 0], [0, 0]], rows)
    assert math.isnan(metric_value("balanced_accuracy", probabilities, np.zeros(rows), ["a", "b"]))


def test_values_are_plain_python():
    probabilities, labels = made(classes=3)
    found = evaluate_scores(probabilities, labels, list("abc"), None)
    kinds = {type(value) for value in found.values()}
    kinds |= {type(value) for row in found["per_class"].values() for value in row.values()}
    kinds |= {type(count) for row in found["confusion_matrix"] for count in row}
    assert kinds == {float, int, dict, list}


def test_the_default_metric_follows_the_positive_label():
    assert default_metric(["wrong", "correct"], "correct") == "f1"
    assert default_metric(["a", "b", "c"], None) == "macro_f1"


@pytest.mark.parametrize("positive", ["a", "b"])
@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("f1", "f1"),
        ("jaccard", None),
        ("matthews_corrcoef", "mcc"),
        ("f1_macro", "macro_f1"),
        ("roc_auc_ovr", "roc_auc"),
        ("neg_log_loss", "log_loss"),
        ("balanced_accuracy", None),
    ],
)
def test_scorers_agree_with_our_own_metrics(name, same, positive):
    probabilities, labels = made()
    names = ["a", "b"]
    check_metric(name, positive)
    found = metric_value(name, probabilities, labels, names, positive)
    own = evaluate_scores(probabilities, labels, names, positive)
    at = names.index(positive)
    predicted = probabilities.argmax(axis=1)
    expected = {
        "jaccard": reference.jaccard_score(labels, predicted, pos_label=at),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, predicted),
        "neg_log_loss": -own["log_loss"],
    }
    assert found == pytest.approx(expected.get(name, own.get(same or name)))


def test_a_scorer_of_many_classes():
    probabilities, labels = made(classes=4)
    found = metric_value("roc_auc_ovo", probabilities, labels, list("abcd"))
    assert found == pytest.approx(
        reference.roc_auc_score(labels, probabilities, multi_class="ovo", average="macro")
    )


def test_a_scorer_that_needs_every_class_is_nan_without():
    probabilities, labels = made(classes=3)
    few = labels < 2
    assert math.isnan(metric_value("roc_auc_ovr", probabilities[few], labels[few], list("abc")))


@pytest.mark.parametrize(
    ("name", "positive", "classes", "message"),
    [
        (
            "macro_f",
            "b",
            2,
            "--metric: no metric named 'macro_f'; did you mean 'macro_f1'?  (metrics: accuracy, "
            "f1, precision, recall, specificity, macro_f1, mcc, roc_auc, average_precision, a "
            "scikit-learn scorer, e.g. balanced_accuracy, or FILE.py:FUNCTION)",
        ),
        (
            "f1",
            None,
            2,
            "--metric: f1 needs a positive label; name it with --positive, or use macro_f1",
        ),
        (
            "positive_likelihood_ratio",
            None,
            3,
            "--metric: positive_likelihood_ratio: class_likelihood_ratios only supports binary "
            "classification problems, got targets of type: multiclass",
        ),
    ],
)
def test_refused_metrics(name, positive, classes, message):
    with pytest.raises(UsageError) as refused:
        check_metric(name, positive, classes)
    assert str(refused.value) == message


@pytest.mark.parametrize("name", ["r2", "neg_mean_squared_error", "f1_samples", "ece", "log_loss"])
def test_scorers_of_quantities_and_of_label_sets_are_no_metrics(name):
    with pytest.raises(UsageError, match=f"no metric named '{name}'"):
        check_metric(name, "b")
