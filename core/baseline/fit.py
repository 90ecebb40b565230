"""TF-IDF of word and character n-grams, then logistic regression: what a baseline learns."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.dataset import Dataset
from ..data.encoding import clip
from ..errors import DataError
from ..inference.bag import Bag
from ..inference.ngrams import CHAR, WORD, Block, Grams, learn

log = logging.getLogger("titlekit")

_NEVER = -1e4  # logit of a class that no row is of: its probability is 0 and its logit a number
_MOST = 1 << 28  # weights of all classes: 2 GB, of which the solver needs several


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is counted and how it is fitted; chosen on validation rows, see docs/baseline.md."""

    grams: tuple[Grams, ...] = (Grams(WORD, 1, 2), Grams(CHAR, 1, 4))
    least: int = 2  # texts that an n-gram stands in, or it is left out
    strength: float = 1.0  # C of LogisticRegression: the inverse of how much weights cost
    class_weight: str | None = None
    steps: int = 1000  # of the solver, at most

    def describe(self) -> dict[str, Any]:
        """Return the settings that the n-grams and the weights do not tell, as JSON values."""
        return {
            "min_df": self.least, "sublinear_tf": True, "norm": "l2", "C": self.strength,
            "class_weight": self.class_weight, "max_iter": self.steps,
        }  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A model, the steps that its solver took, and the seconds."""

    bag: Bag
    steps: int
    seconds: float


def fit(rows: Dataset, labels: Sequence[str], settings: Settings | None = None) -> Fitted:
    """Fit the model to rows; nothing in it is drawn at random.

    A row counts as often as it weighs, relative to the mean weight; a row of soft targets counts
    for every class, as its probabilities say. Raises DataError where all is of one class.
    """
    import sklearn.linear_model  # noqa: F401  # before the clock runs

    settings = settings or Settings()
    started = time.perf_counter()
    first, found = _learn(rows.texts, settings)
    second: tuple[Block, ...] = ()
    if rows.pairs is not None:
        second, more = _learn(rows.pairs, settings)
        found += more
    coefficients, intercepts, steps = _regression(rows, labels, found, settings)
    bag = Bag(list(labels), first, second, coefficients, intercepts)
    return Fitted(bag, steps, time.perf_counter() - started)


def _learn(texts: Sequence[str], settings: Settings) -> tuple[tuple[Block, ...], list[Any]]:
    learnt = [learn(texts, grams, settings.least) for grams in settings.grams]
    return tuple(block for block, _ in learnt), [features for _, features in learnt]


def _regression(
    rows: Dataset, labels: Sequence[str], blocks: list[Any], settings: Settings
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return coefficients [1 or C, W], intercepts and the solver's steps."""
    from scipy.sparse import hstack

    numbers, classes, weights = _examples(rows)
    present = np.unique(classes)
    if len(present) < 2:
        raise DataError(
            f"{rows.name}: all {len(rows)} training rows are {clip(labels[int(present[0])])}; "
            "expected two classes or more"
        )
    features = hstack(blocks, "csr")
    outputs = 1 if len(labels) == 2 else len(labels)
    if outputs * features.shape[1] > _MOST:
        raise DataError(
            f"{rows.name}: {len(labels)} classes with {features.shape[1]:,} n-grams each are more "
            "than fits in memory; --limit takes fewer rows"
        )
    model = _solved(features[numbers], classes, weights, settings)
    coefficients, intercepts = np.zeros((outputs, features.shape[1])), np.full(outputs, _NEVER)
    if len(present) == 2 and outputs > 1:  # scikit-learn gives one row then, the second class's
        coefficients[present[1]], intercepts[present] = model.coef_[0], [0, model.intercept_[0]]
    else:
        places = present if outputs > 1 else [0]
        coefficients[places], intercepts[places] = model.coef_, model.intercept_
    return coefficients, intercepts, int(model.n_iter_.max())


def _solved(features: Any, classes: np.ndarray, weights: np.ndarray, settings: Settings) -> Any:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=settings.strength, class_weight=settings.class_weight, max_iter=settings.steps
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, classes, weights)
    if model.n_iter_.max() >= settings.steps:
        log.warning("the regression is not at its optimum after %d steps", settings.steps)
    return model


def _examples(rows: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row numbers, classes, weights) [M]: a row of soft targets once for each class."""
    weights = np.ones(len(rows)) if rows.weights is None else rows.weights / rows.weights.mean()
    if rows.targets is None:
        return np.arange(len(rows)), rows.labels, weights
    numbers, classes = np.nonzero(rows.targets)
    return numbers, classes, weights[numbers] * rows.targets[numbers, classes].astype(np.float64)
