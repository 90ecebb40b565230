"""A metric of a person's own: FILE.py:FUNCTION, called as scikit-learn's metrics are."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..code import Code, read_code
from ..errors import RunError, UsageError


def short_name(name: str) -> str:
    """Return FILE.py:FUNCTION without folders, any other name as it is: so records call it."""
    file, colon, function = name.rpartition(":")
    return f"{Path(file).name}{colon}{function}" if colon else name


def load_own_metric(name: str) -> Callable[..., Any]:
    """Run the file and return its function f(y_true, y_pred[, y_proba]); UsageError where none."""
    return _loaded(read_code(name, "--metric", "FUNCTION"))


def own_metric(name: str, names: Sequence[str]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return f(probabilities [N, C], labels [N]) -> value, greater is better, nan undefined.

    The function is given arrays of label names, y_true [N] and y_pred [N] (the likeliest), and
    where it has a parameter of that name y_proba [N, C], columns in the order of `names`. It is
    tried on made-up rows at once; raises UsageError then, RunError in a run.
    """
    function = load_own_metric(name)
    takes_chances = _takes_chances(function)
    known = np.array(names)

    def value(probabilities: np.ndarray, labels: np.ndarray) -> float:
        if len(labels) == 0 or not np.isfinite(probabilities).all():
            return math.nan
        more = {"y_proba": probabilities.copy()} if takes_chances else {}
        found = function(known[labels], known[probabilities.argmax(axis=1)], **more)
        if np.ndim(found) or np.asarray(found).dtype.kind not in "iuf":
            raise UsageError(f"{name}: expected a number, got {_clipped(found)}")
        return float(found)

    def told(probabilities: np.ndarray, labels: np.ndarray) -> float:
        found: float = _in_one_line(name, RunError, lambda: value(probabilities, labels))
        return found

    # Each class once right and once taken for the next one.
    truth = np.arange(len(names)).repeat(2)
    guessed = (truth + np.tile([0, 1], len(names))) % len(names)
    sample = 0.2 / len(names) + 0.8 * np.eye(len(names))[guessed]
    _in_one_line(name, UsageError, lambda: value(sample, truth))
    return told


@functools.cache
def _loaded(code: Code) -> Callable[..., Any]:
    function = _in_one_line(code.name, UsageError, lambda: code.load("function", callable))
    if not callable(function):
        raise UsageError(f"--metric {code.name}: expected a function, got {_clipped(function)}")
    try:
        signature = inspect.signature(function)
        signature.bind(None, None, **({"y_proba": None} if _takes_chances(function) else {}))
    except (TypeError, ValueError):
        raise UsageError(
            f"--metric {code.name}: expected a function of (y_true, y_pred) or "
            "(y_true, y_pred, y_proba)"
        ) from None
    found: Callable[..., Any] = function
    return found


def _takes_chances(function: Callable[..., Any]) -> bool:
    return "y_proba" in inspect.signature(function).parameters


def _in_one_line(
    name: str, kind: type[UsageError] | type[RunError], work: Callable[[], Any]
) -> Any:
    """Do work of a person's code; what it raises is told in one line."""
    try:
        return work()
    except (UsageError, RunError) as error:
        raise kind(f"--metric: {error}") from None
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        raise kind(f"--metric {name}: {type(error).__name__}: {text}") from error


def _clipped(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
