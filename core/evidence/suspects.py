"""Labels that are likely wrong, by confident learning on out-of-fold probabilities.

Northcutt, Jiang and Chuang 2021, Confident Learning: Estimating Uncertainty in Dataset Labels,
JAIR 70, 1373-1411. Equation numbers are those of that paper.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Suspects:
    """Rows whose label is likely wrong, the likeliest first, and how many there should be."""

    rows: np.ndarray  # [K] row numbers
    suggested: np.ndarray  # [K] class numbers
    scores: np.ndarray  # [K] margins, from -2 to 2; see `margins`
    thresholds: np.ndarray  # [C] probability from which a row counts for a class; nan: no rows
    joint: np.ndarray  # [C, C] estimated rows by their label and by their true class

    @property
    def wrong(self) -> float:
        """Estimated number of rows with a wrong label."""
        return float(self.joint.sum() - np.trace(self.joint))

    def to_json(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return all but the rows, by the names of the classes."""
        joint = {
            label: {name: round(float(n), 2) for name, n in zip(labels, row, strict=True)}
            for label, row in zip(labels, self.joint, strict=True)
        }
        thresholds = dict(zip(labels, self.thresholds.tolist(), strict=True))
        return {
            "suspects": len(self.rows), "estimated_wrong": round(self.wrong, 2),
            "estimated_joint": joint, "thresholds": thresholds,
        }  # fmt: skip


def find_suspects(labels: np.ndarray, probabilities: np.ndarray) -> Suspects:
    """Return the rows that count for another class than their label's.

    `labels` [N] class numbers; `probabilities` [N, C] from models that have not seen the row. The
    suspects are the rows off the diagonal of the confident joint, ranked by their margins.
    """
    classes = probabilities.shape[1]
    thresholds = self_confidence(labels, probabilities, classes)
    counted = confident_classes(probabilities, thresholds)
    rows = np.flatnonzero((counted >= 0) & (counted != labels))
    suggested = counted[rows]
    scores = margins(probabilities, thresholds, labels)[rows, suggested]
    order = np.argsort(-scores, kind="stable")
    joint = np.zeros((classes, classes))
    sure = counted >= 0
    np.add.at(joint, (labels[sure], counted[sure]), 1)
    given = np.bincount(labels, minlength=classes)
    return Suspects(rows[order], suggested[order], scores[order], thresholds, scaled(joint, given))


def self_confidence(labels: np.ndarray, probabilities: np.ndarray, classes: int) -> np.ndarray:
    """Return for each class the mean probability of it among the rows with its label (eq. 2)."""
    own = probabilities[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=classes)
    means = np.full(classes, np.nan)
    np.divide(np.bincount(labels, own, classes), counts, out=means, where=counts > 0)
    return means


def confident_classes(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return for each row the likeliest class that reaches its threshold, -1 for none (eq. 1)."""
    # Means are rounded: a class whose rows all have one probability must reach it.
    reached = probabilities >= thresholds - 1e-12
    likeliest = np.where(reached, probabilities, -1.0).argmax(axis=1)
    found: np.ndarray = np.where(reached.any(axis=1), likeliest, -1)
    return found


def margins(probabilities: np.ndarray, thresholds: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return [N, C] how much further above its threshold each class is than the row's label.

    Without the thresholds this would be the paper's margin p(class) - p(label); with them a class
    that models are seldom sure of is not suspected for that.
    """
    above: np.ndarray = probabilities - thresholds
    found: np.ndarray = above - above[np.arange(len(labels)), labels][:, None]
    return found


def scaled(joint: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the confident joint [C, C] as estimated numbers of rows (eq. 3, times N).

    Each line sums to the rows of that label, `given` [C]; a label that no row is confident about
    is taken for right.
    """
    empty = joint.sum(axis=1) == 0
    joint = joint + np.diag(empty.astype(np.float64))
    found: np.ndarray = joint / joint.sum(axis=1, keepdims=True) * given[:, None]
    return found
