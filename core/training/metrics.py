"""Metrics of a classifier, under scikit-learn's names."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..code import is_code
from ..errors import UsageError, nearest
from .own_metric import load_own_metric, own_metric

_OF_POSITIVE = ("f1", "precision", "recall", "specificity")
METRICS = ("accuracy", *_OF_POSITIVE, "macro_f1", "mcc", "roc_auc", "average_precision")
# Scorers of quantities and of label sets; the former would take class numbers for quantities.
_OTHERS = re.compile(
    r"neg_(mean|median|root|max)_|r2$|explained_|max_error|d2_absolute|.*_samples$"
)
_BINS = 15


def evaluate_scores(
    probabilities: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    positive: str | None,
    predicted: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return every metric of the answers, as plain numbers; what is undefined is nan.

    `probabilities` [N, C]; `labels` [N], true class numbers; `names`, the C class names;
    `predicted` [N], class numbers, by default the likeliest. precision, recall, f1 and
    specificity are of the positive class and there only with one. roc_auc and average_precision
    are of the positive class (of the second, where two classes have none); with more classes,
    the mean of one class against the rest over the classes that occur. Probabilities that are
    not finite make everything nan. ece: 15 bins of equal width over the highest probability.
    """
    if predicted is None:
        predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((len(names), len(names)), np.int64)
    usable = len(labels) > 0 and bool(np.isfinite(probabilities).all())
    if usable:
        np.add.at(confusion, (labels, predicted), 1)
    metrics = _counted(confusion, names, positive)
    if usable:
        metrics["mcc"] = _correlation(confusion)
        metrics |= _scored(probabilities, labels, names, positive)
    else:
        undefined = ("mcc", "roc_auc", "average_precision", "ece", "log_loss")
        metrics |= dict.fromkeys(undefined, math.nan)
    metrics["confusion_matrix"] = confusion.tolist()
    metrics["rows"] = len(labels)
    return metrics


def f1_scores(right: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return F1 [..., C]: 2 right / (true + predicted), nan where a class has no row.

    Counts [..., C] of each class: rows answered rightly, rows that are of it, rows said to be.
    """
    return ratio(2 * right, true + predicted)


def mean_defined(values: np.ndarray) -> np.ndarray:
    """Return the mean [...] of the values [..., C] that are not nan."""
    return ratio(np.nansum(values, axis=-1), np.count_nonzero(~np.isnan(values), axis=-1))


def ratio(part: Any, whole: Any) -> np.ndarray:
    """Return part / whole, nan where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    undefined = np.full(whole.shape, math.nan)
    quotient: np.ndarray = np.divide(part, whole, out=undefined, where=whole > 0)
    return quotient


def default_metric(names: Sequence[str], positive: str | None) -> str:
    """Return the metric that chooses the best weights when none is asked for."""
    return "f1" if positive is not None else "macro_f1"


def make_metric(
    name: str, names: Sequence[str], positive: str | None
) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return f(probabilities [N, C], labels [N]) -> value of a metric; greater is better.

    `name` is one of ours, a scikit-learn scorer's or FILE.py:FUNCTION. Raises UsageError where it
    cannot be had for these classes.
    """
    if is_code(name):
        return own_metric(name, names)
    check_metric(name, positive, len(names))
    return lambda probabilities, labels: metric_value(name, probabilities, labels, names, positive)


def check_metric(name: str, positive: str | None, classes: int = 2) -> None:
    """Refuse a metric that is unknown or cannot be had for these classes."""
    if is_code(name):
        load_own_metric(name)
        return
    if name not in METRICS and name not in (scorers := _scorers()):
        raise UsageError(
            f"--metric: no metric named {name!r}{nearest(name, [*METRICS, *scorers])}  "
            f"(metrics: {', '.join(METRICS)}, a scikit-learn scorer, e.g. balanced_accuracy, or "
            "FILE.py:FUNCTION)"
        )
    if name in _OF_POSITIVE and positive is None:
        raise UsageError(
            f"--metric: {name} needs a positive label; name it with --positive, or use macro_f1"
        )
    if name not in METRICS:
        names = [str(number) for number in range(classes)]
        metric_value(name, np.eye(classes).repeat(2, axis=0), np.arange(classes).repeat(2), names)


def metric_value(
    name: str,
    probabilities: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    positive: str | None = None,
) -> float:
    """Return one metric, ours or a scikit-learn scorer's; greater is better, nan is undefined."""
    if name in METRICS:
        return float(evaluate_scores(probabilities, labels, names, positive)[name])
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        return math.nan
    if len(names) == 2 and positive is not None and names.index(positive) == 0:
        # A scorer takes class 1 for the positive one.
        probabilities, labels = probabilities[:, ::-1], 1 - labels
    from sklearn.metrics import get_scorer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return float(get_scorer(name)(_stored(probabilities), labels, labels))
        except ValueError as error:
            if len(np.unique(labels)) < len(names):
                return math.nan
            raise UsageError(f"--metric: {name}: {' '.join(str(error).split())}") from None


def _scorers() -> list[str]:
    from sklearn.metrics import get_scorer_names

    return [name for name in get_scorer_names() if not _OTHERS.match(name)]


def _stored(probabilities: np.ndarray) -> Any:
    """Return a fitted classifier that gives these answers whatever it is asked."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Stored(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        classes_ = np.arange(probabilities.shape[1])

        def predict_proba(self, rows: np.ndarray) -> np.ndarray:
            return probabilities

        def predict(self, rows: np.ndarray) -> np.ndarray:
            answer: np.ndarray = probabilities.argmax(axis=1)
            return answer

    return Stored()


def _counted(confusion: np.ndarray, names: Sequence[str], positive: str | None) -> dict[str, Any]:
    metrics: dict[str, Any] = {"accuracy": float(ratio(np.trace(confusion), confusion.sum()))}
    per_class = _per_class(confusion, names)
    if positive is not None:
        metrics |= {key: per_class[positive][key] for key in ("precision", "recall", "f1")}
        others = np.delete(confusion, names.index(positive), axis=0)
        rejected = np.delete(others, names.index(positive), axis=1)
        metrics["specificity"] = float(ratio(rejected.sum(), others.sum()))
    f1 = np.array([entry["f1"] for entry in per_class.values()])
    return metrics | {"macro_f1": float(mean_defined(f1)), "per_class": per_class}


def _per_class(confusion: np.ndarray, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    right, true, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    columns = (
        ratio(right, predicted),
        ratio(right, true),
        f1_scores(right, true, predicted),
        true,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    keys = ("precision", "recall", "f1", "support")
    return {name: dict(zip(keys, row, strict=True)) for name, row in zip(names, rows, strict=True)}


def _correlation(confusion: np.ndarray) -> float:
    """Return Matthews' correlation: 0 where one class alone is predicted, nan where one occurs.

    Gorodkin 2004, eq. 8, of counts [C, C].
    """
    true, predicted = confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist()
    rows = sum(true)
    spread = [rows**2 - sum(count**2 for count in counts) for counts in (true, predicted)]
    if spread[0] == 0:
        return math.nan
    by_chance = sum(one * other for one, other in zip(true, predicted, strict=True))
    shared = int(np.trace(confusion)) * rows - by_chance
    return shared / math.sqrt(spread[0] * spread[1]) if spread[1] else 0.0


def _scored(
    probabilities: np.ndarray, labels: np.ndarray, names: Sequence[str], positive: str | None
) -> dict[str, Any]:
    if positive is not None:
        columns = [names.index(positive)]
    else:
        columns = [1] if len(names) == 2 else list(range(len(names)))
    occurring = [c for c in columns if 0 < np.count_nonzero(labels == c) < len(labels)]
    ranked = np.array([_ranked(labels == c, probabilities[:, c]) for c in occurring])
    areas, precisions = ranked.mean(axis=0).tolist() if occurring else (math.nan, math.nan)
    given = probabilities[np.arange(len(labels)), labels]
    return {
        "roc_auc": areas,
        "average_precision": precisions,
        "ece": _calibration_error(probabilities, labels),
        "log_loss": float(-np.log(given.clip(np.finfo(given.dtype).eps)).mean()),
    }


def _ranked(wanted: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Return the area under the ROC curve and the average precision of one class against the rest.

    `wanted` [N]: whether a row is of the class; some are and some are not. The values are those of
    scikit-learn, whose checks of what they are given cost more than a small validation.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # of equal scores
    right = np.append(0, np.cumsum(wanted[order])[ends])
    wrong = np.append(0, ends + 1) - right
    gained = np.diff(right)
    # Equal scores are a slope between their corners: half of the step counts.
    area = (np.diff(wrong) * (right[1:] + right[:-1])).sum() / (2 * wrong[-1] * right[-1])
    precision = (gained * right[1:] / (right[1:] + wrong[1:])).sum() / right[-1]
    return float(area), float(precision)


def _calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the expected calibration error of the likeliest label. Guo et al. 2017, eq. 3."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * _BINS).astype(int) - 1, 0, _BINS - 1)
    gaps = np.bincount(bins, confidence, _BINS) - np.bincount(bins, right, _BINS)
    return float(np.abs(gaps).sum() / len(labels))
