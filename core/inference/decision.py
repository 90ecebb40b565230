"""From logits to an answer: a temperature for the scores, a threshold for the positive label."""

from __future__ import annotations

import dataclasses
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
        values = {}
        for field in dataclasses.fields(cls):
            value = given.get(field.name, field.default)
            if not _allowed(field.name, value):
                kind = "a number above 0" if field.name == "temperature" else "a number from 0 to 1"
                raise DataError(f"{path}: {field.name}: expected {kind}, got {clip(str(value))}")
            values[field.name] = float(value)
        return cls(**values)

    def write(self, folder: Path) -> None:
        """Keep the decision in a run's folder."""
        write_json(folder / _FILE, dataclasses.asdict(self))


def _allowed(name: str, value: Any) -> bool:
    if type(value) not in (int, float) or not abs(value) <= 1e6:  # not: nan compares as false
        return False
    return bool(value > 0 if name == "temperature" else 0 <= value <= 1)
