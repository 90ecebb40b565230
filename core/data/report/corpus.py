"""All rows that a report looks at, training, validation and test rows end to end."""

from __future__ import annotations

import dataclasses
import functools
import os
from typing import Any

import numpy as np

from ...config import TrainConfig
from ...errors import DataError, UsageError
from ..columns import join_names
from ..dataset import Dataset, Rows, keys, make_dataset
from ..encoding import clip
from ..folder import read_titles, test_file, title_files
from ..labels import FOLDER_LABELS, label_index, natural_order, positive_label
from ..readers import open_table
from ..tables import Columns, read_table, read_tables, resolve

_COLUMNS = (
    "texts", "pairs", "labels", "lines", "weights", "groups", "targets", "blank_labels",
    "blank_lines",
)  # fmt: skip
UNKNOWN = -1  # class of a row whose label the training rows lack


@dataclasses.dataclass(frozen=True, eq=False)
class Corpus:
    """Rows of one to three splits, and where each stands."""

    labels: list[str]
    positive: str | None
    columns: Columns  # of the training tables; no names where they come from a folder
    splits: list[str]  # of "train", "valid" and "test" those that are there, in this order
    files: list[str]  # names of the files that rows come from
    rows: Rows  # with a text, and without one, end to end; lines are those of the row's own file
    classes: np.ndarray  # [N] int64; UNKNOWN where the training rows lack the label
    split_of: np.ndarray  # [N] int64, a place in `splits`
    file_of: np.ndarray  # [N] int64, a place in `files`
    blank_split_of: np.ndarray  # [B] int64, of the rows with a blank text
    blank_file_of: np.ndarray  # [B] int64

    def __len__(self) -> int:
        return len(self.rows.texts)

    @functools.cached_property
    def keys(self) -> list[str]:
        """What tells texts apart but for case, punctuation and spaces; "" where nothing is left."""
        pairs = self.rows.pairs or None
        found = keys(Dataset("", self.rows.texts, self.classes, self.rows.lines, pairs))
        return ["" if key == "\n" else key for key in found]

    def where(self, split: str) -> np.ndarray:
        """Return the numbers of a split's rows, ascending."""
        return np.flatnonzero(self.split_of == self.splits.index(split))

    def place(self, number: int) -> dict[str, Any]:
        """Return where a row stands, as JSON values."""
        return {
            "split": self.splits[self.split_of[number]],
            "file": self.files[self.file_of[number]],
            "line": self.rows.lines[number],
        }

    def blank_place(self, number: int) -> dict[str, Any]:
        """Return where a row with a blank text stands, as JSON values."""
        return {
            "split": self.splits[self.blank_split_of[number]],
            "file": self.files[self.blank_file_of[number]],
            "line": self.rows.blank_lines[number],
        }

    def shown(self, number: int) -> str:
        """Return a row as a line for a person: file, line, text, label."""
        return f"{self.spot(number)} {clip(self.rows.texts[number])} {self.rows.labels[number]}"

    def spot(self, number: int) -> str:
        """Return ``file:line`` of a row."""
        return f"{self.files[self.file_of[number]]}:{self.rows.lines[number]}"

    def dataset(self, split: str) -> Dataset:
        """Return a split's rows with a known label as a run reads them."""
        chosen = [n for n in self.where(split).tolist() if self.classes[n] != UNKNOWN]

        def of(column: list[Any]) -> list[Any]:
            return [column[number] for number in chosen] if column else []

        rows = Rows(
            texts=of(self.rows.texts), pairs=of(self.rows.pairs), labels=of(self.rows.labels),
            lines=of(self.rows.lines), weights=of(self.rows.weights), groups=of(self.rows.groups),
            targets=of(self.rows.targets),
        )  # fmt: skip
        blanks = np.flatnonzero(self.blank_split_of == self.splits.index(split))
        rows.blank_labels = [self.rows.blank_labels[number] for number in blanks]
        rows.blank_lines = [self.rows.blank_lines[number] for number in blanks]
        name = ", ".join(self.files[number] for number in np.unique(self.file_of[chosen]))
        return make_dataset(
            name, rows, self.classes[chosen], np.full(len(blanks), UNKNOWN), self.labels
        )


def read_corpus(config: TrainConfig) -> Corpus:
    """Read what `config` names: train, --valid FILE, and --test or a folder's own test table.

    Raises DataError with file and line where a file cannot be read. A label in the wrong place, a
    class without rows and the like are kept for the report to say.
    """
    if not config.train:
        raise UsageError("which data? name a file or a folder")
    columns, parts = _training(config)
    named = {} if config.valid_share is not None else {"valid": config.valid}
    test = config.test or (test_file(config.train[0]) if len(config.train) == 1 else None)
    for split, path in (named | ({"test": test} if test else {})).items():
        asked = config if split == "test" else _same_columns(config, columns)
        parts += [(split, *part) for part in _labelled(path, asked)]
    labels = list(columns.soft) or _labels(config, parts)
    return _joined(config, labels, columns, parts)


_Part = tuple[str, str, Rows]  # split, file, rows


def _training(config: TrainConfig) -> tuple[Columns, list[_Part]]:
    if any(os.path.isdir(path) for path in config.train):
        if len(config.train) > 1:
            raise DataError(f"{config.train[0]}: a folder stands alone; give files, or one folder")
        folder = config.train[0]
        return Columns(), [("train", *part) for part in _titles(folder, config)]
    parts: list[_Part] = []
    first = Columns()
    for path in config.train:
        rows, columns = read_tables(dataclasses.replace(config, train=[path]))
        first = first if parts else columns
        if (columns.text, columns.label, columns.soft) != (first.text, first.label, first.soft):
            read_tables(config)  # refuses the second of them in its own words
        parts.append(("train", path, rows))
    return first, parts


def _titles(folder: str, config: TrainConfig) -> list[tuple[str, Rows]]:
    """Return the titles of a folder by file."""
    whole, found = read_titles(folder, config.encoding, fix_text=config.fix_text), []
    for label, path in title_files(folder):
        mine = [number for number, name in enumerate(whole.labels) if name == label]
        rows = Rows(
            texts=[whole.texts[number] for number in mine], labels=[label] * len(mine),
            lines=[whole.lines[number] for number in mine],
        )  # fmt: skip
        for name, line in zip(whole.blank_labels, whole.blank_lines, strict=True):
            if name == label:
                rows.add_blank(name, line)
        found.append((path, rows))
    return found


def _same_columns(config: TrainConfig, columns: Columns) -> TrainConfig:
    """Return the options that read --valid by the columns of the training rows."""
    return dataclasses.replace(
        config, text_column=config.text_column or join_names(columns.text),
        label_column=config.label_column or columns.label, text_pair_column=columns.pair,
    )  # fmt: skip


def _labelled(path: str, config: TrainConfig) -> list[tuple[str, Rows]]:
    """Read rows to validate or test on: a table, or a folder's test table or titles."""
    table = test_file(path) or path
    if os.path.isdir(table):
        return _titles(path, config)
    rows = Rows()
    with open_table(table, config.encoding) as opened:
        columns = resolve(opened, config.text_column, config.label_column, config.text_pair_column)
        read_table(opened, columns, rows, "skip", config.fix_text)
    return [(table, rows)]


def _labels(config: TrainConfig, parts: list[_Part]) -> list[str]:
    if os.path.isdir(config.train[0]):
        return FOLDER_LABELS
    mine = [rows for split, _, rows in parts if split == "train"]
    return natural_order(name for rows in mine for name in (*rows.labels, *rows.blank_labels))


def _joined(config: TrainConfig, labels: list[str], columns: Columns, parts: list[_Part]) -> Corpus:
    splits = list(dict.fromkeys(split for split, _, _ in parts))
    whole = Rows()
    for _, _, rows in parts:
        for name in _COLUMNS:
            getattr(whole, name).extend(getattr(rows, name))
    known = {name: label_index(name, labels) for name in dict.fromkeys(whole.labels)}
    classes = [UNKNOWN if (found := known[name]) is None else found for name in whole.labels]
    sizes = [len(rows.texts) for _, _, rows in parts]
    blanks = [len(rows.blank_lines) for _, _, rows in parts]
    split_of = np.array([splits.index(split) for split, _, _ in parts], np.int64)
    file_of = np.arange(len(parts))
    return Corpus(
        labels=labels,
        positive=positive_label(labels, config.positive),
        columns=columns,
        splits=splits,
        files=[file for _, file, _ in parts],
        rows=whole,
        classes=np.array(classes, np.int64),
        split_of=np.repeat(split_of, sizes),
        file_of=np.repeat(file_of, sizes),
        blank_split_of=np.repeat(split_of, blanks),
        blank_file_of=np.repeat(file_of, blanks),
    )
