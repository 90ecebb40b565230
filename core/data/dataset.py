"""Labelled rows: as read, with label names, and as trained on, with class numbers."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np

from .splits import normalise


@dataclasses.dataclass
class Rows:
    """Rows as they are read, their labels still names.

    No pairs, weights, groups and targets where none are asked for, else one a row; the label ""
    of a blank text: it has none.
    """

    texts: list[str] = dataclasses.field(default_factory=list)
    pairs: list[str] = dataclasses.field(default_factory=list)
    labels: list[str] = dataclasses.field(default_factory=list)
    lines: list[int] = dataclasses.field(default_factory=list)
    weights: list[float] = dataclasses.field(default_factory=list)
    groups: list[str] = dataclasses.field(default_factory=list)
    targets: list[list[float]] = dataclasses.field(default_factory=list)
    blank_labels: list[str] = dataclasses.field(default_factory=list)
    blank_lines: list[int] = dataclasses.field(default_factory=list)
    blank_places: list[int] = dataclasses.field(default_factory=list)
    files: list[tuple[str, int]] = dataclasses.field(default_factory=list)

    def begin(self, file: str) -> None:
        """Record that rows of another file follow."""
        self.files.append((file, len(self.texts)))

    def add_blank(self, label: str, line: int) -> None:
        """Record a row with a blank text, and how many rows with one came before it."""
        self.blank_labels.append(label)
        self.blank_lines.append(line)
        self.blank_places.append(len(self.texts))


def _no_classes() -> np.ndarray:
    return np.zeros(0, np.int64)


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with a text, their classes, and what was left out for a blank text.

    `sha256` is of these rows (texts, pairs, label names, weights and targets, in order), after
    the split and --limit, whatever file they came from.
    """

    name: str  # how messages call it
    texts: list[str]
    labels: np.ndarray  # [N] int64 class indices
    lines: list[int]  # [N] source line of each row
    pairs: list[str] | None = None
    blank_labels: np.ndarray = dataclasses.field(default_factory=_no_classes)  # -1: none
    blank_lines: list[int] = dataclasses.field(default_factory=list)
    sha256: str = ""
    weights: np.ndarray | None = None  # [N] float64, at least 0; None: all 1
    targets: np.ndarray | None = None  # [N, C] float32 class probabilities; None: one-hot
    groups: list[str] | None = None  # [N], "" of a row that is in none
    blank_places: list[int] = dataclasses.field(default_factory=list)  # rows before each blank one
    files: list[tuple[str, int]] = dataclasses.field(default_factory=list)  # and rows before each

    def __len__(self) -> int:
        return len(self.texts)


def make_dataset(
    name: str, rows: Rows, classes: np.ndarray, blank_classes: np.ndarray, labels: Sequence[str]
) -> Dataset:
    """Return rows and their classes [N] int64 as a Dataset with its hash."""
    pairs = rows.pairs or None
    weights = np.array(rows.weights, np.float64) if rows.weights else None
    targets = np.array(rows.targets, np.float32) if rows.targets else None
    names = [labels[index] for index in classes]
    return Dataset(
        name=name,
        texts=rows.texts,
        labels=classes,
        lines=rows.lines,
        pairs=pairs,
        blank_labels=blank_classes,
        blank_lines=rows.blank_lines,
        sha256=fingerprint(rows.texts, pairs, names, weights, targets),
        weights=weights,
        targets=targets,
        groups=rows.groups or None,
        blank_places=rows.blank_places,
        files=rows.files,
    )


def select(
    data: Dataset, numbers: np.ndarray, labels: Sequence[str], *, blanks: bool = False
) -> Dataset:
    """Return some rows of a Dataset as another one, with or without the blank rows' record."""
    texts = [data.texts[number] for number in numbers]
    pairs = None if data.pairs is None else [data.pairs[number] for number in numbers]
    groups = None if data.groups is None else [data.groups[number] for number in numbers]
    weights = None if data.weights is None else data.weights[numbers]
    targets = None if data.targets is None else data.targets[numbers]
    classes = data.labels[numbers]
    names = [labels[index] for index in classes]
    return Dataset(
        name=data.name,
        texts=texts,
        labels=classes,
        lines=[data.lines[number] for number in numbers],
        pairs=pairs,
        blank_labels=data.blank_labels if blanks else _no_classes(),
        blank_lines=data.blank_lines if blanks else [],
        sha256=fingerprint(texts, pairs, names, weights, targets),
        weights=weights,
        targets=targets,
        groups=groups,
    )


def to_score(data: Dataset) -> Dataset:
    """Return rows as they are validated on: weights and soft targets act in training alone."""
    return dataclasses.replace(data, weights=None, targets=None)


def fingerprint(
    texts: Sequence[str],
    pairs: Sequence[str] | None,
    names: Sequence[str],
    weights: np.ndarray | None = None,
    targets: np.ndarray | None = None,
) -> str:
    """Return the SHA-256 of rows: of each field's length and text, row by row.

    Weights [N] and class probabilities [N, C] follow where there are any, as little-endian bytes.
    """
    digest = hashlib.sha256()
    columns = [texts, names] if pairs is None else [texts, pairs, names]
    for fields in zip(*columns, strict=True):
        # A length before each field: no two tables give the same bytes.
        row = "".join([f"{len(field)}:{field}" for field in fields])
        digest.update(f"{row}\n".encode())
    for kind, numbers, form in (("weights", weights, "<f8"), ("targets", targets, "<f4")):
        if numbers is not None:
            digest.update(f"{kind}\n".encode())
            digest.update(np.ascontiguousarray(numbers, form).tobytes())
    return digest.hexdigest()


def keys(data: Dataset) -> list[str]:
    """Return what tells rows apart: the text, with its pair, without case and punctuation."""
    if data.pairs is None:
        return [normalise(text) for text in data.texts]
    pairs = zip(data.texts, data.pairs, strict=True)
    return [f"{normalise(text)}\n{normalise(pair)}" for text, pair in pairs]


def leak(train: Dataset, other: Dataset) -> int:
    """Return how many rows of `other` have a text that stands in `train` too, case aside."""
    known = set(keys(train)) - {"", "\n"}
    return sum(key in known for key in keys(other))
