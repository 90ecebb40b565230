"""From options to datasets: what is trained and validated on, and what a model is tested on."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..config import TrainConfig
from ..errors import DataError, UsageError, nearest
from .checks import check_classes, log_counts, warn_of_two_labels
from .columns import (
    is_blank,
    join_names,
    label_column,
    pair_column,
    row_cell,
    row_text,
    text_columns,
)
from .dataset import Dataset, Rows, keys, leak, make_dataset, select
from .encoding import clip
from .folder import read_titles, test_file
from .labels import FOLDER_LABELS, label_index, listed, natural_order, positive_label
from .readers import Table, open_table
from .rows import Row
from .splits import limit_rows, split_rows
from .synthetic import make_titles

log = logging.getLogger("titlekit")

__all__ = ["Dataset", "TrainingData", "leak", "load_labelled", "load_training", "test_file"]


@dataclass(frozen=True)
class TrainingData:
    """What a run trains and validates on, and the names of its labels and columns."""

    train: Dataset
    valid: Dataset | None
    labels: list[str]
    positive: str | None
    text_columns: list[str]  # resolved names; [] and "" without a table
    label_column: str
    pair_column: str


@dataclass(frozen=True)
class _Columns:
    text: list[str]
    label: str
    pair: str


_NO_COLUMNS = _Columns([], "", "")


def load_training(config: TrainConfig) -> TrainingData:
    """Read, check, split and limit the training data that `config` names.

    Without a name, synthetic titles; --split-seed makes them, so that runs that differ in --seed
    share their data. A test set is not read. Raises DataError with file and line, or UsageError
    for an option.
    """
    share = config.valid_share
    name, rows, columns = _read(config)
    by_layout = not config.train or os.path.isdir(config.train[0])
    labels = FOLDER_LABELS if by_layout else natural_order([*rows.labels, *rows.blank_labels])
    whole = _indexed(name, rows, labels)
    if rows.blank_lines:
        plural = "text" if len(rows.blank_lines) == 1 else "texts"
        log.info("%s: %d blank %s skipped", name, len(rows.blank_lines), plural)
    check_classes(whole, labels, columns.label)
    positive = positive_label(labels, config.positive)
    known = keys(whole)
    warn_of_two_labels(whole, known, labels)
    valid: Dataset | None
    if share is None:
        numbers, valid = np.arange(len(whole)), _read_valid(config, labels, columns)
    else:
        numbers, valid = _split(whole, known, labels, share, config.split_seed)
    if config.limit is not None:
        numbers = limit_rows(whole.labels, numbers, config.limit, config.split_seed)
    train = select(whole, numbers, labels, blanks=True)
    log_counts(train, valid, labels)
    return TrainingData(
        train, valid, list(labels), positive, columns.text, columns.label, columns.pair
    )


def load_labelled(
    path: str,
    labels: Sequence[str],
    *,
    text_column: str = "",
    pair_column: str = "",
    label_column: str = "",
    encoding: str = "",
) -> Dataset:
    """Read rows to validate or test on; blank texts are left out and recorded.

    `path` is a table, or a folder: its test table, else its positive.txt and negative.txt.
    Raises DataError for a label that is not in `labels`, with file, line and the known labels.
    """
    table = test_file(path) or path
    if os.path.isdir(table):
        if pair_column:
            raise UsageError(f"--text-pair-column: {path} has no columns")
        log.info("%s: no test table, so its positive and negative titles are read", path)
        rows = read_titles(path, encoding)
    else:
        rows = Rows()
        with open_table(table, encoding) as opened:
            table = opened.name
            columns = _resolve(opened, text_column, label_column, pair_column)
            _read_table(opened, columns, rows, "skip")
    if not rows.texts:
        raise DataError(f"{table}: no row with a text")
    return _indexed(table, rows, labels)


def _split(
    whole: Dataset, known: Sequence[str], labels: Sequence[str], share: float, seed: int
) -> tuple[np.ndarray, Dataset | None]:
    """Return the row numbers to train on, and the rows to validate on."""
    train, valid = split_rows(known, whole.labels, share, seed)
    if share == 0:
        return train, None
    if len(valid) == 0:
        raise DataError(
            f"{whole.name}: each class has one distinct text, so none is left to validate on; "
            "--valid FILE names other rows, --valid 0 goes without"
        )
    return train, select(whole, valid, labels)


def _read_valid(config: TrainConfig, labels: Sequence[str], columns: _Columns) -> Dataset:
    """Read --valid FILE by the columns of the training data."""
    return load_labelled(
        config.valid,
        labels,
        text_column=config.text_column or join_names(columns.text),
        pair_column=columns.pair,
        label_column=config.label_column or columns.label,
        encoding=config.encoding,
    )


def _read(config: TrainConfig) -> tuple[str, Rows, _Columns]:
    """Return the name, the rows and the columns of the training data."""
    folders = [path for path in config.train if os.path.isdir(path)]
    if (folders or not config.train) and config.text_pair_column:
        source = folders[0] if folders else "synthetic data"
        raise UsageError(f"--text-pair-column: {source} has no columns")
    if not config.train:
        texts, names = make_titles(config.rows, config.split_seed)
        rows = Rows(texts=texts, labels=names, lines=list(range(1, len(texts) + 1)))
        return "synthetic titles", rows, _NO_COLUMNS
    if folders and len(config.train) > 1:
        raise DataError(f"{folders[0]}: a folder stands alone; give files, or one folder")
    if folders:
        return folders[0], read_titles(folders[0], config.encoding, config.blank), _NO_COLUMNS
    rows, first = Rows(), _NO_COLUMNS
    for path in config.train:
        with open_table(path, config.encoding) as table:
            columns = _resolve(
                table, config.text_column, config.label_column, config.text_pair_column
            )
            first = columns if first is _NO_COLUMNS else first
            if columns != first:
                raise DataError(
                    f"{table.name}: text and label are the columns "
                    f"{listed([*columns.text, columns.label])}, in {config.train[0]} "
                    f"{listed([*first.text, first.label])}; --text-column and --label-column "
                    "choose the same in both"
                )
            _read_table(table, columns, rows, config.blank)
    return ", ".join(config.train), rows, first


def _resolve(table: Table, text: str, label: str, pair: str) -> _Columns:
    label = label_column(table.columns, label, table.name)
    found = text_columns(table.columns, text, table.name, label)
    pair = pair_column(table.columns, pair, table.name)
    for role, column in (("text", found), ("second text", [pair])):
        if label in column:
            raise DataError(
                f"{table.name}: column {label!r} is the label and cannot be the {role}; "
                "--label-column names another"
            )
    return _Columns(found, label, pair)


def _read_table(table: Table, columns: _Columns, rows: Rows, blank: str) -> None:
    """Add a table's rows; a row without any text is no row, like an empty line."""
    for row in table:
        label = row_cell(row, columns.label, table.name).strip()
        text = row_text(row, columns.text, table.name)
        if is_blank(label):
            if _is_empty(row):
                continue
            raise DataError(f"{table.name}:{row.line}: column {columns.label!r}: no label")
        if not is_blank(text):
            rows.texts.append(text)
            rows.labels.append(label)
            rows.lines.append(row.line)
            if columns.pair:
                rows.pairs.append(row_cell(row, columns.pair, table.name))
        elif blank == "error":
            raise DataError(f"{table.name}:{row.line}: blank text (--blank skip leaves it out)")
        else:
            rows.blank_labels.append(label)
            rows.blank_lines.append(row.line)


def _is_empty(row: Row) -> bool:
    return all(value is None or is_blank(str(value)) for value in row.values.values())


def _indexed(name: str, rows: Rows, labels: Sequence[str]) -> Dataset:
    """Return rows with class numbers; DataError names the line of an unknown label."""
    known: dict[str, int] = {}

    def index(text: str, line: int) -> int:
        if text not in known:
            found = label_index(text, labels)
            if found is None:
                raise DataError(
                    f"{name}:{line}: unknown label {clip(text)}{nearest(text, labels)} "
                    f"(labels: {listed(labels)})"
                )
            known[text] = found
        return known[text]

    pairs = zip(rows.labels, rows.lines, strict=True)
    blanks = zip(rows.blank_labels, rows.blank_lines, strict=True)
    classes = np.array([index(text, line) for text, line in pairs], np.int64)
    blank_classes = np.array([index(text, line) for text, line in blanks], np.int64)
    return make_dataset(name, rows, classes, blank_classes, labels)
