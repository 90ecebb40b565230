"""Answers for a whole file: row by row, in bounded memory, in the order of the input."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ..data import columns as find
from ..data.labels import listed
from ..data.readers import Row, Table
from ..data.repair import Damage
from ..data.writers import KINDS, check_target, csv_writer, progress_bar, row_writer, whole
from ..errors import DataError
from .answers import Answers
from .ensemble import Ensemble
from .predictor import Predictor

__all__ = [
    "WINDOW",
    "answer_cells",
    "check_target",
    "choose_columns",
    "csv_writer",
    "predict_file",
    "progress_bar",
    "whole",
]

WINDOW = 8192  # rows answered together: sorted by length, so that little is padded
_SIGNS = 1 << 25  # characters of a window at most, where cells are long


def predict_file(
    predictor: Predictor | Ensemble,
    table: Table,
    target: str | TextIO,
    *,
    text_column: str = "",
    pair_column: str = "",
    proba: bool = False,
    blank_label: str = "",
    fix_text: bool = False,
) -> dict[str, Any]:
    """Answer every row of a table; write its columns with predicted_label and score appended.

    `target`: a csv, tsv or jsonl file, which appears when it is whole and replaces one that is
    there, or an open stream, which gets the input's kind. `text_column`: names joined by commas;
    by default the columns of the training, else found by name. `proba`: one more column p_LABEL
    for every class. `blank_label`: the label of blank texts, whose score stays empty. `fix_text`:
    answer the mended texts, as ever where the training rows were mended; the columns stay as they
    are. A classifier of kinds adds the column `reason`: the likeliest kind of what is wrong.
    Returns rows, blank_rows, by_label (without blank rows), seconds and rows_per_second.
    """
    started = time.monotonic()
    counts: Counter[int] = Counter()
    added = ["predicted_label", "score", *(["reason"] if predictor.kinds else [])]
    added += [f"p_{name}" for name in predictor.labels if proba]
    first, second = choose_columns(predictor, table, text_column, pair_column)
    with contextlib.ExitStack() as stack:
        if isinstance(target, str):
            kind = check_target(table.name, target, overwrite=True)
            stream = stack.enter_context(whole(Path(target)))
        else:
            kind, stream = table.kind if table.kind in KINDS.values() else "csv", target
        bar = stack.enter_context(progress_bar())
        damage = Damage(table.name, fix_text or predictor.fix_text)
        write = row_writer(stream, kind, table, added, "predict")
        for window in _windows(table):
            texts = _texts(window, first, table.name, damage)
            pairs = _texts(window, second, table.name, damage) if second else None
            answers = predictor.predict(texts, pairs, blank_label)
            for place, row in enumerate(window):
                write(row, _added(answers, place, proba))
            counts.update(answers.predicted.tolist())
            bar.update(len(window))
    damage.report()
    return _summary(counts, predictor.labels, time.monotonic() - started)


def _summary(counts: Counter[int], labels: list[str], seconds: float) -> dict[str, Any]:
    return {
        "rows": counts.total(),
        "blank_rows": counts[-1],
        "by_label": {name: counts[at] for at, name in enumerate(labels)},
        "seconds": seconds,
        "rows_per_second": counts.total() / seconds,
    }


def _texts(window: list[Row], columns: list[str], name: str, damage: Damage) -> list[str]:
    return [damage.take(find.row_text(row, columns, name), row.line) for row in window]


def _added(answers: Answers, place: int, proba: bool) -> list[str | float | None]:
    """Return what is appended to a row: label, score, reason and probabilities, as asked for."""
    label, *cells = answer_cells(answers, place, proba)
    numbers = [float(cell) if cell else None for cell in cells]
    why = [] if answers.reasons is None else [answers.reasons[place]]
    return [label, numbers[0], *why, *numbers[1:]]


def choose_columns(
    predictor: Predictor | Ensemble, table: Table, text_column: str, pair_column: str
) -> tuple[list[str], list[str]]:
    """Return the columns of the text and of the second text ([]: none).

    What is asked for wins, else the columns of the training; else they are found by name.
    """
    trained = () if text_column else predictor.text_columns
    if table.kind == "txt" and len(trained) == 1:
        trained = ()  # a line is the text, whatever its column was called
    missing = [name for name in trained if name not in table.columns]
    if missing:
        raise DataError(
            f"{table.name}: no column {missing[0]!r}, where the training had its texts; name the "
            f"text with --text-column (columns: {listed(table.columns)})"
        )
    asked = text_column or find.join_names(trained)
    known = "" if asked else predictor.label_column or ""
    label = "" if asked else find.find_label_column(table.columns, known) or ""
    first = find.text_columns(table.columns, asked, table.name, label)
    second = find.pair_column(table.columns, pair_column or predictor.pair_column or "", table.name)
    return first, [second] if second else []


def answer_cells(answers: Answers, row: int, proba: bool) -> list[str]:
    """Return a row's label, score and probabilities as text with 6 decimals; blank ones empty."""
    numbers = [answers.scores[row], *(answers.probabilities[row] if proba else ())]
    shown = ["" if number != number else f"{number:.6f}" for number in numbers]
    return [answers.labels[row], *shown]


def _windows(table: Table) -> Iterator[list[Row]]:
    window: list[Row] = []
    signs = 0
    for row in table:
        window.append(row)
        signs += sum(len(value) for value in row.values.values() if isinstance(value, str))
        if len(window) == WINDOW or signs > _SIGNS:
            yield window
            window, signs = [], 0
    if window:
        yield window
