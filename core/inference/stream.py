"""Answers for a whole file: row by row, in bounded memory, in the order of the input."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from ..data import columns as find
from ..data.labels import listed
from ..data.readers import Row, Table
from ..data.repair import Damage
from ..data.rows import RowFault, set_aside
from ..data.targets import TARGETS, Values, check_extra, make_encoder
from ..data.writers import KINDS, check_target, csv_writer, progress_bar, row_writer, whole
from ..errors import DataError
from .answers import Answers, answer
from .chunks import Chunks, open_chunks
from .ensemble import Ensemble
from .predictor import Predictor
from .reuse import Reusing
from .sidecar import check_sidecar, describe_job, resumable, write_sidecar
from .tally import Tally

__all__ = [
    "WINDOW",
    "answer_cells",
    "check_answers",
    "check_target",
    "choose_columns",
    "csv_writer",
    "predict_file",
    "progress_bar",
    "whole",
]

# Rows answered together: equal texts once, sorted by length, so that little is padded. A chunk of
# the file is as much: what is lost when a run is killed.
WINDOW = 32768
_SIGNS = 1 << 25  # characters of a window at most, where cells are long


def check_answers(source: str, target: str, overwrite: bool) -> None:
    """Refuse a file that answers cannot be written to, by its name or by what is there."""
    check_target(source, target, overwrite, TARGETS)
    check_sidecar(target, overwrite)
    check_extra(target)


def predict_file(
    predictor: Predictor | Ensemble | Reusing,
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

    `target`: a file, csv, tsv or jsonl (.gz packs it) or parquet, or an open stream, which gets the
    input's kind. A file is written in chunks beside its name, and appears when it is whole, with
    FILE.json beside it; the same call goes on after an interruption, where the table can be read
    again. `predictor`: in `Reusing`, to take scores from a cache. `text_column`: names joined by
    commas; by default the columns of the training, else found by name. `proba`: one more column
    p_LABEL for every class. `blank_label`: of blank texts, whose score stays empty. `fix_text`:
    answer the mended texts, as ever where the training rows were mended; the columns stay as they
    are. A classifier of kinds adds the column `reason`: the likeliest kind of what is wrong.
    Returns what Tally.summary says.
    """
    scores = predictor if isinstance(predictor, Reusing) else Reusing(predictor)
    first, second = choose_columns(scores.by, table, text_column, pair_column)
    added = ["predicted_label", "score", *(["reason"] if scores.by.kinds else [])]
    added += [f"p_{name}" for name in scores.labels if proba]
    damage = Damage(table.name, fix_text or scores.by.fix_text)
    options = {
        "text_columns": first, "pair_column": "".join(second), "added": added, "window": WINDOW,
        "blank_label": blank_label, "fix_text": damage.fix, "cache": scores.cached_in,
    }  # fmt: skip
    rows = _readable(table, [first, second])
    with _open(target, scores, table, options) as out, progress_bar() as bar:
        tally = Tally(scores, out.rows, out.tally)
        bar.update(_pass_over(rows, out.rows, [first, second], damage))
        for window in _windows(rows):
            texts = _texts(window, first, table.name, damage)
            pairs = _texts(window, second, table.name, damage) if second else None
            answers = answer(scores, texts, pairs, blank_label)
            for place, row in enumerate(window):
                out.write(row, _added(answers, place, proba))
            tally.add(answers)
            out.commit(len(window), tally.state())
            bar.update(len(window))
        damage.report()
        summary = tally.summary(table.rejects)
        out.finish(summary)
    return summary


class _Stream:
    """An open stream, as it is written to: nothing is kept, nothing is taken up."""

    rows = 0

    def __init__(self, stream: TextIO, table: Table, added: list[str]) -> None:
        self.tally: dict[str, Any] = {}
        kind = table.kind if table.kind in KINDS.values() else "csv"
        self.write = row_writer(stream, kind, table, added, "predict")
        self._table = table

    def commit(self, rows: int, tally: dict[str, Any]) -> None:
        """Do nothing: rows are out when they are written."""

    def finish(self, counts: dict[str, Any]) -> None:
        """End the file of rejects."""
        if self._table.rejects:
            self._table.rejects.close()


class _File:
    """A file in chunks, and the page beside it."""

    def __init__(self, chunks: Chunks, table: Table, job: dict[str, Any]) -> None:
        self.rows = chunks.rows
        self.tally = chunks.tally
        self.write = chunks.write
        self.commit = chunks.commit
        self._chunks, self._table, self._job = chunks, table, job

    def finish(self, counts: dict[str, Any]) -> None:
        """Write the page, then let the answers appear: no old page stands beside new answers."""
        made = self._chunks.whole()
        if self._table.rejects:
            self._table.rejects.close()
        write_sidecar(self._chunks.target, made.stat().st_size, self._job, counts)
        self._chunks.publish(made)


@contextlib.contextmanager
def _open(
    target: str | TextIO, scores: Reusing, table: Table, options: dict[str, Any]
) -> Iterator[_Stream | _File]:
    added = options["added"]
    if not isinstance(target, str):
        yield _Stream(target, table, added)
        return
    check_answers(table.name, target, overwrite=True)
    encoder = make_encoder(target, table, added)
    job = describe_job(scores, table, target, options)
    with open_chunks(target, encoder, resumable(job)) as chunks:
        yield _File(chunks, table, job)


def _readable(table: Table, columns: list[list[str]]) -> Iterator[Row]:
    """Yield the rows whose texts are texts; where there is no place for the others, all."""
    for row in table:
        try:
            for names in columns if table.rejects else []:
                find.row_text(row, names, table.name)
        except DataError as fault:
            reason = str(fault).removeprefix(f"{table.name}:{row.line}: ")
            raw = json.dumps(row.values, ensure_ascii=False)
            set_aside(table.rejects, table.name, row.line, reason, raw)
        else:
            yield row


def _pass_over(rows: Iterator[Row], count: int, columns: list[list[str]], damage: Damage) -> int:
    """Pass over the rows that are answered; what damage they show is noted all the same."""
    for row in itertools.islice(rows, count):
        for names in filter(None, columns):
            _texts([row], names, damage.name, damage)
    return count


def _texts(window: list[Row], columns: list[str], name: str, damage: Damage) -> list[str]:
    return [damage.take(_text(row, columns, name), row.line) for row in window]


def _text(row: Row, columns: list[str], name: str) -> str:
    try:
        return find.row_text(row, columns, name)
    except DataError as fault:
        raise RowFault(str(fault)) from None


def _added(answers: Answers, place: int, proba: bool) -> Values:
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


def _windows(table: Iterable[Row]) -> Iterator[list[Row]]:
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
