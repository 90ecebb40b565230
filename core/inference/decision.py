"""From logits to an answer: a temperature for the scores, a threshold for the positive label."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.encoding import clip
from ..errors import DataError
from ..run_folder import read_json, write_json
from .scoring import softmax

_FILE = "decision.json"


@dataclasses.dataclass(frozen=True)
class Decision:
    """How a label is chosen; the default takes the likeliest and leaves scores as they are."""

    temperature: float = 1.0
    threshold: float = 0.5
    groups: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def sum_up(self, probabilities: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """Return the probabilities [N, A] of the answers from those [N, C] of the model's labels.

        Without groups the labels are the answers; else each answer has the sum of its group.
        """
        if not self.groups:
            return probabilities
        places = [[labels.index(name) for name in names] for names in self.groups.values()]
        return np.stack([probabilities[:, place].sum(axis=1) for place in places], axis=1)

    def reasons(
        self, probabilities: np.ndarray, labels: Sequence[str], chosen: np.ndarray
    ) -> list[str]:
        """Return the likeliest label in the group of each chosen answer, "" for the answer itself.

        `probabilities` [N, C] are those of the model's labels, `chosen` [N] the answers' numbers.
        """
        found = [""] * len(chosen)
        for number, (answer, names) in enumerate(self.groups.items()):
            rows = np.flatnonzero(chosen == number)
            places = [labels.index(name) for name in names]
            for row, place in zip(rows, probabilities[rows][:, places].argmax(axis=1), strict=True):
                found[row] = "" if names[place] == answer else names[place]
        return found

    def apply(
        self, logits: np.ndarray, positive_index: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (probabilities [N, C], predicted class numbers [N]) for logits [N, C]."""
        probabilities = softmax(logits / self.temperature)
        return probabilities, self.choose(probabilities, positive_index)

    def choose(self, probabilities: np.ndarray, positive_index: int | None) -> np.ndarray:
        """Return the predicted class numbers [N] for probabilities [N, C].

        The threshold acts where there are two classes and one is positive: that one is predicted
        from this probability on. At 0.5 it is the likeliest label, the first of two equal ones.
        """
        predicted: np.ndarray = probabilities.argmax(axis=1)
        if positive_index is not None and probabilities.shape[1] == 2 and self.threshold != 0.5:
            reached = probabilities[:, positive_index] >= self.threshold
            predicted = np.where(reached, positive_index, 1 - positive_index)
        return predicted

    @classmethod
    def read(cls, folder: Path) -> Decision:
        """Return the decision kept in a folder, the default where it keeps none."""
        path = folder / _FILE
        if not path.is_file():
            return cls()
        given = read_json(path)
        values: dict[str, Any] = {"groups": _groups(given.get("groups", {}), path)}
        for field in dataclasses.fields(cls)[:2]:
            value = given.get(field.name, field.default)
            if not _allowed(field.name, value):
                kind = "a number above 0" if field.name == "temperature" else "a number from 0 to 1"
                raise DataError(f"{path}: {field.name}: expected {kind}, got {clip(str(value))}")
            values[field.name] = float(value)
        return cls(**values)

    def write(self, folder: Path) -> None:
        """Keep the decision in a run's folder; groups only where there are any."""
        told = {"temperature": self.temperature, "threshold": self.threshold}
        write_json(folder / _FILE, {**told, **({"groups": self.groups} if self.groups else {})})


def _groups(given: Any, path: Path) -> dict[str, tuple[str, ...]]:
    """Return groups as a file has them; DataError unless each is a list of different names."""
    lists = list(given.values()) if isinstance(given, dict) else [None]
    names = [name for one in lists if isinstance(one, list) for name in one]
    plain = all(isinstance(one, list) and one for one in lists) and len(lists) != 1
    if not plain or not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        raise DataError(
            f"{path}: groups: expected an object of two or more lists of labels, each label once, "
            f"got {clip(str(given))}"
        )
    return {answer: tuple(labels) for answer, labels in given.items()}


def _allowed(name: str, value: Any) -> bool:
    if type(value) not in (int, float) or not abs(value) <= 1e6:  # not: nan compares as false
        return False
    return bool(value > 0 if name == "temperature" else 0 <= value <= 1)
