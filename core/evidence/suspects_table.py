"""Suspects as a table for a person to fill in, and out-of-fold answers read back from one."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.columns import is_blank, row_cell
from ..data.dataset import Dataset
from ..data.encoding import clip
from ..data.labels import listed
from ..data.readers import Table, open_table
from ..data.soft import PREFIX, probabilities
from ..data.writers import csv_writer, whole
from ..errors import DataError
from .suspects import Suspects


def write_suspects(path: Path, data: Dataset, labels: Sequence[str], suspects: Suspects) -> None:
    """Write the suspects as csv, the likeliest wrong first, with an empty column `fix`.

    The column `file` is there where the rows come from several files.
    """
    pair = [] if data.pairs is None else ["text_pair"]
    several = len(data.files) > 1
    file = ["file"] if several else []
    with whole(path) as target:
        write = csv_writer(target)
        write(["rank", *file, "line", "text", *pair, "label", "suggested", "score", "fix"])
        found = zip(suspects.rows.tolist(), suspects.suggested, suspects.scores, strict=True)
        for rank, (row, suggested, score) in enumerate(found, 1):
            place = [file_of(data, row)] if several else []
            second = [] if data.pairs is None else [data.pairs[row]]
            write([
                str(rank), *place, str(data.lines[row]), data.texts[row], *second,
                labels[data.labels[row]], labels[suggested], f"{score:.6f}", "",
            ])  # fmt: skip


def file_of(data: Dataset, row: int) -> str:
    """Return the file that a row was read from."""
    at = bisect.bisect_right([start for _, start in data.files], row) - 1
    return data.files[at][0]


def read_out_of_fold(path: str, data: Dataset, labels: Sequence[str]) -> np.ndarray:
    """Return the probabilities [N, C] that `titlekit train --folds` wrote for these rows.

    Raises DataError where the file is not of these rows, in their order.
    """
    found = np.empty((len(data), len(labels)))
    row = 0
    with open_table(path) as table:
        _check_columns(table, labels)
        for one in table:
            if is_blank(row_cell(one, PREFIX + labels[0], path)):
                continue  # a blank text, which has no answer
            there = (data.texts[row], labels[data.labels[row]]) if row < len(data) else ("", "")
            for name, expected in zip(("text", "label"), there, strict=True):
                if row_cell(one, name, path) != expected:
                    raise DataError(
                        f"{path}:{one.line}: column {name!r}: {clip(row_cell(one, name, path))}, "
                        f"and {data.name} has {clip(expected) if expected else 'no such row'}; "
                        "expected the out_of_fold.csv of these rows"
                    )
            found[row] = probabilities(one, list(labels), path)
            row += 1
    if row < len(data):
        raise DataError(
            f"{path}: {row:,} answers, and {data.name} has {len(data):,} rows with a text; "
            "expected the out_of_fold.csv of these rows"
        )
    return found


def _check_columns(table: Table, labels: Sequence[str]) -> None:
    for name in ("text", "label", *(PREFIX + label for label in labels)):
        if name not in table.columns:
            raise DataError(
                f"{table.name}: no column {name!r}; expected the out_of_fold.csv that titlekit "
                f"train --folds wrote of these rows (columns: {listed(table.columns)})"
            )
    for column in table.columns:
        if column.startswith(PREFIX) and column.removeprefix(PREFIX) not in labels:
            raise DataError(
                f"{table.name}: column {column!r}: the rows have no such label (labels: "
                f"{listed(labels)})"
            )
