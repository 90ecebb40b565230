"""From logits to an answer: a temperature for the scores, a threshold for the positive label."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .scoring import softmax

NAME = "decision.json"


@dataclasses.dataclass(frozen=True)
class Decision:
    """How a label is chosen; the default takes the likeliest and leaves scores as they are."""

    temperature: float = 1.0
    threshold: float = 0.5

    def apply(
        self, logits: np.ndarray, positive_index: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (probabilities [N, C], predicted class numbers [N]) for logits [N, C].

        The threshold acts where there are two classes and one is positive: that one is predicted
        from this probability on. At 0.5 it is the likeliest label, the first of two equal ones.
        """
        probabilities = softmax(logits / self.temperature)
        predicted: np.ndarray = probabilities.argmax(axis=1)
        if positive_index is not None and logits.shape[1] == 2 and self.threshold != 0.5:
            reached = probabilities[:, positive_index] >= self.threshold
            predicted = np.where(reached, positive_index, 1 - positive_index)
        return probabilities, predicted


def read(folder: Path) -> Decision:
    """Return the decision kept in a run's folder, the default where it keeps none."""
    path = folder / NAME
    try:
        given = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Decision()
    except (ValueError, RecursionError):
        raise DataError(f"{path} is not valid JSON") from None
    if not isinstance(given, dict):
        raise DataError(f'{path}: expected {{"temperature": number, "threshold": number}}')
    values = {}
    for field in dataclasses.fields(Decision):
        value = given.get(field.name, field.default)
        if not _allowed(field.name, value):
            kind = "a number above 0" if field.name == "temperature" else "a number from 0 to 1"
            raise DataError(f"{path}: {field.name}: expected {kind}, got {str(value)[:40]!r}")
        values[field.name] = float(value)
    return Decision(**values)


def write(folder: Path, decision: Decision) -> None:
    """Keep the decision in a run's folder."""
    text = json.dumps(dataclasses.asdict(decision), indent=2)
    (folder / NAME).write_text(text + "\n", "utf-8")


def _allowed(name: str, value: Any) -> bool:
    if type(value) not in (int, float) or not abs(value) <= 1e6:
        return False
    return value > 0 if name == "temperature" else 0 <= value <= 1
