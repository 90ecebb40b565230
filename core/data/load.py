"""From options to datasets: what is trained and validated on, and what a model is tested on."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..config import TrainConfig, flag
from ..errors import DataError, UsageError, nearest
from .checks import (
    check_classes,
    check_soft_classes,
    check_weights,
    log_counts,
    warn_of_two_labels,
)
from .columns import join_names
from .dataset import Dataset, Rows, keys, leak, make_dataset, select, to_score
from .encoding import clip
from .folder import read_titles, test_file
from .folds import fold_rows, split_groups
from .kinds import Groups, answered, group_kinds
from .labels import FOLDER_LABELS, label_index, listed, natural_order, positive_label
from .readers import open_table
from .splits import limit_rows, split_rows
from .tables import Columns, read_table, read_tables, resolve
from .titles.maker import make_rows

log = logging.getLogger("titlekit")

__all__ = [
    "Dataset",
    "TrainingData",
    "deal_rows",
    "leak",
    "load_labelled",
    "load_training",
    "read_training",
    "split_training",
    "test_file",
]


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
    weight_column: str = ""
    group_column: str = ""
    fold: Dataset | None = None  # with --folds: rows that are scored once and choose nothing
    groups: Groups | None = None  # with --labels: answer -> the labels that it sums

    @property
    def answers(self) -> list[str]:
        """The names of the answers: the labels, but for --labels."""
        return list(self.groups or self.labels)

    @property
    def answer_positive(self) -> str | None:
        """The answer that counts as positive."""
        return self.positive if self.groups is None else positive_label(self.answers, "")

    def answered(self, rows: Dataset) -> Dataset:
        """Return rows with the classes of the answers, to measure these."""
        return rows if self.groups is None else answered(rows, self.labels, self.groups)


def read_training(config: TrainConfig) -> TrainingData:
    """Read and check the training data that `config` names, all of it as `train`.

    `valid` holds the rows of --valid FILE, if that is a file. Without a name, synthetic titles;
    --split-seed makes them, so that runs that differ in --seed share their data. Raises DataError
    with file and line, or UsageError for an option.
    """
    data = _read_whole(config)
    if config.group_column and not config.valid_share and config.folds is None:
        log.warning("--group-column: no row is split off with --valid %s", config.valid)
    valid = _read_valid(config, data) if config.valid_share is None else None
    return dataclasses.replace(data, valid=valid)


def deal_rows(config: TrainConfig, data: TrainingData) -> np.ndarray:
    """Return the fold of each row, [N] int64 from 1 to --folds; --split-seed deals them out."""
    rows = data.train
    assert config.folds is not None
    found = fold_rows(
        keys(rows), rows.labels, rows.groups, config.folds, config.split_seed, data.labels
    )
    return found + 1


def split_training(
    config: TrainConfig, data: TrainingData, folds: np.ndarray | None = None
) -> TrainingData:
    """Return the rows of one run, from those of ``read_training``: split and limited.

    With --fold the rows of that fold are only scored, and the others are trained and validated
    on; `folds` is what ``deal_rows`` gave, where it is known already.
    """
    whole, labels, fold, numbers = data.train, data.labels, None, np.arange(len(data.train))
    if config.fold is not None:
        folds = deal_rows(config, data) if folds is None else folds
        fold = select(to_score(whole), np.flatnonzero(folds == config.fold), labels)
        numbers = np.flatnonzero(folds != config.fold)
    valid = data.valid
    if config.valid_share is not None:
        rest = data if fold is None else dataclasses.replace(
            data, train=select(whole, numbers, labels, blanks=True)
        )  # fmt: skip
        kept, valid = _split(rest, config.valid_share, config.split_seed)
        numbers = numbers[kept]
    if config.limit is not None:
        numbers = limit_rows(whole.labels, numbers, config.limit, config.split_seed)
    train = select(whole, numbers, labels, blanks=True)
    check_weights(train, data.weight_column)
    log_counts(train, valid, labels)
    return dataclasses.replace(data, train=train, valid=valid, fold=fold)


def load_training(config: TrainConfig) -> TrainingData:
    """Read, check, split and limit the training data of one run; a test set is not read."""
    return split_training(config, read_training(config))


def load_labelled(
    path: str,
    labels: Sequence[str],
    *,
    text_column: str = "",
    pair_column: str = "",
    label_column: str = "",
    encoding: str = "",
    fix_text: bool = False,
) -> Dataset:
    """Read rows to validate or test on; blank texts are left out and recorded.

    `path` is a table, or a folder: its test table, else its positive.txt and negative.txt.
    Raises DataError for a label that is not in `labels`, with file, line and the known labels.
    """
    table, column = test_file(path) or path, ""
    if os.path.isdir(table):
        if pair_column:
            raise UsageError(f"--text-pair-column: {path} has no columns")
        log.info("%s: no test table, so its positive and negative titles are read", path)
        rows = read_titles(path, encoding, fix_text=fix_text)
    else:
        rows = Rows()
        with open_table(table, encoding) as opened:
            table = opened.name
            columns = resolve(opened, text_column, label_column, pair_column)
            read_table(opened, columns, rows, "skip", fix_text)
            column = columns.label
    if not rows.texts:
        raise DataError(f"{table}: no row with a text")
    return _indexed(table, rows, labels, column)


def _read_whole(config: TrainConfig) -> TrainingData:
    """Return all rows, checked."""
    name, rows, columns = _read(config)
    by_layout = not config.train or os.path.isdir(config.train[0])
    known = natural_order([*rows.labels, *rows.blank_labels])
    labels = list(columns.soft or (FOLDER_LABELS if by_layout and not config.labels else known))
    whole = _indexed(name, rows, labels, columns.label)
    if rows.blank_lines:
        plural = "text" if len(rows.blank_lines) == 1 else "texts"
        log.info("%s: %d blank %s skipped", name, len(rows.blank_lines), plural)
    if columns.soft:
        check_soft_classes(whole, labels, columns.label, bool(config.valid_share))
    else:
        check_classes(whole, labels, columns.label)
    positive = positive_label(labels, config.positive)
    warn_of_two_labels(whole, keys(whole), labels)
    return TrainingData(
        whole, None, labels, positive, list(columns.text), columns.label, columns.pair,
        columns.weight, columns.group,
        groups=group_kinds(labels, name, columns.label) if config.labels else None,
    )  # fmt: skip


def _split(data: TrainingData, share: float, seed: int) -> tuple[np.ndarray, Dataset | None]:
    """Return the row numbers to train on, and the rows to validate on."""
    whole = data.train
    known = keys(whole)
    if whole.groups is None:
        train, valid = split_rows(known, whole.labels, share, seed)
        reason = "each class has one distinct text"
    else:
        train, valid = split_groups(known, whole.labels, whole.groups, share, seed)
        reason = (
            f"column {data.group_column!r}: without any one of its groups a class would be lost to "
            "training"
        )
    if share == 0:
        return train, None
    if len(valid) == 0:
        raise DataError(
            f"{whole.name}: {reason}, so none is left to validate on; "
            "--valid FILE names other rows, --valid 0 goes without"
        )
    return train, select(to_score(whole), valid, data.labels)


def _read_valid(config: TrainConfig, data: TrainingData) -> Dataset:
    """Read --valid FILE by the columns of the training data."""
    return load_labelled(
        config.valid,
        data.labels,
        text_column=config.text_column or join_names(data.text_columns),
        pair_column=data.pair_column,
        label_column=config.label_column or data.label_column,
        encoding=config.encoding,
        fix_text=config.fix_text,
    )


def _read(config: TrainConfig) -> tuple[str, Rows, Columns]:
    """Return the name, the rows and the columns of the training data."""
    folders = [path for path in config.train if os.path.isdir(path)]
    if folders or not config.train:
        source = folders[0] if folders else "synthetic data"
        for option in ("text_pair_column", "weight_column", "soft_targets", "group_column"):
            if getattr(config, option):
                raise UsageError(f"{flag(option)}: {source} has no columns")
        if config.labels and (folders or config.labels != "kind"):
            raise UsageError(f"--labels: {source} has no column {config.labels!r}")
    if not config.train:
        made = list(make_rows(config.rows, config.split_seed))
        names = [row.kind if config.labels else row.label for row in made]
        texts = [row.title for row in made]
        rows = Rows(texts=texts, labels=names, lines=list(range(1, len(texts) + 1)))
        return "synthetic titles", rows, Columns()
    if folders and len(config.train) > 1:
        raise DataError(f"{folders[0]}: a folder stands alone; give files, or one folder")
    if folders:
        rows = read_titles(folders[0], config.encoding, config.blank, config.fix_text)
        return folders[0], rows, Columns()
    rows, columns = read_tables(config)
    return ", ".join(config.train), rows, columns


def _indexed(name: str, rows: Rows, labels: Sequence[str], column: str) -> Dataset:
    """Return rows with class numbers; DataError names line and column of an unknown label."""
    known: dict[str, int] = {}
    where = f"column {column!r}: " if column else ""

    def index(text: str, line: int) -> int:
        if text not in known:
            found = label_index(text, labels)
            if found is None:
                raise DataError(
                    f"{name}:{line}: {where}unknown label {clip(text)}{nearest(text, labels)} "
                    f"(labels: {listed(labels)})"
                )
            known[text] = found
        return known[text]

    pairs = zip(rows.labels, rows.lines, strict=True)
    blanks = zip(rows.blank_labels, rows.blank_lines, strict=True)
    classes = np.array([index(text, line) for text, line in pairs], np.int64)
    blank_classes = np.array([index(t, line) if t else -1 for t, line in blanks], np.int64)
    return make_dataset(name, rows, classes, blank_classes, labels)
