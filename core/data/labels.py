"""Labels: names in, names out, in an order that a person expects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..errors import UsageError, nearest

FOLDER_LABELS = ["wrong", "correct"]  # of the folder layout, as classes 0 and 1

_POSITIVE = frozenset(("1", "yes", "y", "true", "correct", "positive"))
_NEGATIVE = frozenset(("0", "no", "n", "false", "wrong", "negative"))
_NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?")


def natural_order(labels: Iterable[str]) -> list[str]:
    """Return the distinct labels sorted as a person sorts them: 0, 1, 2, 10; a, B, c; v2, v10."""
    distinct = set(labels)
    if all(_NUMBER.fullmatch(label) for label in distinct):
        return sorted(distinct, key=lambda label: (float(label), label))
    return sorted(distinct, key=_natural)


def positive_label(labels: Sequence[str], asked: str) -> str | None:
    """Return the label that counts as positive: `asked`, else 1, yes, y, true, correct, positive.

    None where no label or more than one has such a name, or where there are not two classes.
    Raises UsageError where `asked` is not a label or there are not two classes to choose from.
    """
    if asked and len(labels) != 2:
        raise UsageError(f"--positive: expected two classes, there are {len(labels)}")
    if asked:
        if asked not in labels:
            hint = nearest(asked, labels)
            raise UsageError(f"--positive: no label {asked!r}{hint} (labels: {listed(labels)})")
        return asked
    found = positive_names(labels)
    return found[0] if len(labels) == 2 and len(found) == 1 else None


def positive_names(labels: Sequence[str]) -> list[str]:
    """Return the labels with a name that counts as positive: 1, yes, y, true, correct, positive."""
    return [label for label in labels if label.lower() in _POSITIVE]


def label_index(text: str, labels: Sequence[str]) -> int | None:
    """Return the class of a label's text, None where it is unknown.

    For the labels wrong and correct, also Y/N, yes/no, 1/0, true/false.
    """
    name = text.strip()
    if name in labels:
        return labels.index(name)
    if sorted(labels) == sorted(FOLDER_LABELS):
        word = name.lower()
        if word in _POSITIVE or word in _NEGATIVE:
            return list(labels).index(FOLDER_LABELS[word in _POSITIVE])
    return None


def listed(names: Sequence[str], most: int = 10) -> str:
    """Return names for a message: at most `most` of them, control characters escaped."""
    shown = ", ".join(name if name.isprintable() and name else repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"


def _natural(label: str) -> tuple[list[tuple[str, int, str]], str]:
    """Return a sort key: texts without regard to case, runs of digits by value."""
    parts = re.split(r"([0-9]+)", label)
    texts, digits = parts[::2], [*parts[1::2], ""]
    values = [number.lstrip("0") for number in digits]
    # A longer number without leading zeros is larger; so numbers of any length compare.
    keys = [(text.casefold(), len(value), value) for text, value in zip(texts, values, strict=True)]
    return keys, label
