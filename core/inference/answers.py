"""The answers of a classifier: labels, scores, and for a model of kinds the reasons."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..data.columns import is_blank
from ..errors import UsageError
from .decision import Decision


@dataclasses.dataclass(frozen=True)
class Answers:
    """One answer a text; a blank text has the label "" (or the one asked for) and a nan score."""

    labels: list[str]
    scores: np.ndarray  # [N] probability of the predicted label
    probabilities: np.ndarray  # [N, C]
    predicted: np.ndarray  # [N] class numbers, -1 for blank texts
    reasons: list[str] | None = None  # of a model of kinds: the likeliest kind of wrong, else ""


class _Answering(Protocol):
    """What a classifier, or several as one, must have to answer."""

    @property
    def labels(self) -> list[str]: ...
    @property
    def positive(self) -> str | None: ...
    @property
    def decision(self) -> Decision: ...
    @property
    def classes(self) -> Sequence[str]: ...

    def class_probabilities(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None
    ) -> np.ndarray: ...


def answer(
    by: _Answering, texts: Sequence[str], pairs: Sequence[str] | None, blank_label: str
) -> Answers:
    """Return the answers to texts, blank ones without a score."""
    if isinstance(texts, str):
        raise UsageError("predict takes a list of texts, and got one text; write [text]")
    titled = np.array([not is_blank(text) for text in texts], bool)
    rows = np.flatnonzero(titled)
    first = list(itertools.compress(texts, titled))
    second = None if pairs is None else list(itertools.compress(pairs, titled))
    known = by.class_probabilities(first, second)
    found = by.decision.sum_up(known, by.classes)
    chosen = by.decision.choose(found, _place(by.labels, by.positive))
    probabilities = np.full((len(texts), len(by.labels)), np.nan)
    probabilities[rows] = found
    scores = np.full(len(texts), np.nan)
    scores[rows] = found[np.arange(len(rows)), chosen]
    predicted = np.full(len(texts), -1, np.int64)
    predicted[rows] = chosen
    names = [by.labels[number] if number >= 0 else blank_label for number in predicted.tolist()]
    if not by.decision.groups:
        return Answers(names, scores, probabilities, predicted)
    reasons = np.full(len(texts), "", object)
    reasons[rows] = by.decision.reasons(known, by.classes, chosen)
    return Answers(names, scores, probabilities, predicted, reasons.tolist())


def _place(labels: Sequence[str], positive: str | None) -> int | None:
    return None if positive is None else labels.index(positive)
