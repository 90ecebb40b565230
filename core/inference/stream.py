"""Answers for a whole file: row by row, in bounded memory, in the order of the input."""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..data import columns as find
from ..data.labels import listed
from ..data.readers import Row, Table, cell_text
from ..errors import DataError, UsageError
from .ensemble import Ensemble
from .predictor import Answers, Predictor

if TYPE_CHECKING:
    from tqdm import tqdm

log = logging.getLogger("titlekit")

KINDS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl"}
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
) -> dict[str, Any]:
    """Answer every row of a table; write its columns with predicted_label and score appended.

    `target`: a csv, tsv or jsonl file, which appears when it is whole and replaces one that is
    there, or an open stream, which gets the input's kind. `text_column`: names joined by commas;
    by default the columns of the training, else found by name. `proba`: one more column p_LABEL
    for every class. `blank_label`: the label of blank texts, whose score stays empty. Returns
    rows, blank_rows, by_label (without blank rows), seconds and rows_per_second.
    """
    started = time.monotonic()
    counts: Counter[int] = Counter()
    added = ["predicted_label", "score", *(f"p_{name}" for name in predictor.labels if proba)]
    _refuse_taken(table.columns, added, table.name)
    first, second = choose_columns(predictor, table, text_column, pair_column)
    with contextlib.ExitStack() as stack:
        if isinstance(target, str):
            kind = check_target(table.name, target, overwrite=True)
            stream = stack.enter_context(whole(Path(target)))
        else:
            kind, stream = table.kind if table.kind in KINDS.values() else "csv", target
        bar = stack.enter_context(progress_bar())
        write = _row_writer(stream, kind, table, added)
        for window in _windows(table):
            texts = [find.row_text(row, first, table.name) for row in window]
            pairs = [find.row_text(row, second, table.name) for row in window] if second else None
            answers = predictor.predict(texts, pairs, blank_label)
            for place, row in enumerate(window):
                write(row, answer_cells(answers, place, proba))
            counts.update(answers.predicted.tolist())
            bar.update(len(window))
    seconds = time.monotonic() - started
    return {
        "rows": counts.total(),
        "blank_rows": counts[-1],
        "by_label": {name: counts[at] for at, name in enumerate(predictor.labels)},
        "seconds": seconds,
        "rows_per_second": counts.total() / seconds,
    }


def choose_columns(
    predictor: Predictor | Ensemble, table: Table, text_column: str, pair_column: str
) -> tuple[list[str], list[str]]:
    """Return the columns of the text and of the second text ([]: none).

    What is asked for wins, else the columns of the training; else they are found by name.
    """
    trained = () if text_column else predictor.text_columns
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


def check_target(source: str, target: str, overwrite: bool) -> str:
    """Return the kind of file that a target's name asks for, or refuse the target."""
    path = Path(target)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            f"-o {target}: expected a name that ends in {', '.join(KINDS)}, or - for stdout"
        )
    if not path.parent.is_dir():
        raise UsageError(f"-o {target}: there is no folder {str(path.parent)!r}")
    if not path.exists():
        return kind
    if not path.is_file():
        raise UsageError(f"-o {target}: expected a file, that is a folder or a device")
    if Path(source).exists() and path.samefile(source):
        raise UsageError(f"-o {target} is the input itself; choose another name")
    if not overwrite:
        raise UsageError(f"-o {target} exists; choose another name, or replace it with --overwrite")
    return kind


@contextlib.contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 file that appears under its name when it is whole, and not at all otherwise."""
    place = path.resolve()  # where a link points; the link stays
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        # backslashreplace: half a surrogate pair, which only JSON can hold, stays what it was.
        with beside.open("x", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
        os.replace(beside, place)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def csv_writer(stream: TextIO, delimiter: str = ",") -> Callable[[Sequence[str]], None]:
    """Return a function that writes a row which reads back as it was."""
    plain = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    quoted = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(cells: Sequence[str]) -> None:
        # Python 3.11 leaves a lone carriage return bare, which readers take for a line end.
        writer = quoted if any("\r" in cell for cell in cells) else plain
        writer.writerow(cells)

    return write


def answer_cells(answers: Answers, row: int, proba: bool) -> list[str]:
    """Return a row's label, score and probabilities as text with 6 decimals; blank ones empty."""
    numbers = [answers.scores[row], *(answers.probabilities[row] if proba else ())]
    shown = ["" if number != number else f"{number:.6f}" for number in numbers]
    return [answers.labels[row], *shown]


def _row_writer(
    stream: TextIO, kind: str, table: Table, added: Sequence[str]
) -> Callable[[Row, list[str]], None]:
    """Write the header, where there is one; return a function that writes a row and its answer."""

    def write_json(row: Row, cells: list[str]) -> None:
        _refuse_taken(row.values, added, f"{table.name}:{row.line}")
        answer = [cells[0], *(float(cell) if cell else None for cell in cells[1:])]
        record = row.values | dict(zip(added, answer, strict=True))
        stream.write(json.dumps(record, ensure_ascii=False) + "\n")

    def write_cells(row: Row, cells: list[str]) -> None:
        if len(row.values) > len(table.columns):
            extra = next(name for name in row.values if name not in table.columns)
            raise DataError(
                f"{table.name}:{row.line}: a field {extra!r} that the first rows lack has no "
                "column; write JSON lines: -o FILE.jsonl"
            )
        write([*(_cell(row.values[name]) for name in table.columns), *cells])

    if kind == "jsonl":
        return write_json
    write = csv_writer(stream, "\t" if kind == "tsv" else ",")
    write([*table.columns, *added])
    return write_cells


def _cell(value: Any) -> str:
    """Return a cell of a csv: lists and objects of a jsonl stand in it as JSON."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return cell_text(value)


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


def _refuse_taken(there: Any, added: Sequence[str], where: str) -> None:
    for name in added:
        if name in there:
            raise DataError(
                f"{where}: there is a column {name!r} already, which predict would add; rename it "
                "or leave it out"
            )


def progress_bar(total: int | None = None) -> tqdm[Any]:
    """Return a bar of rows on stderr; it shows where that is a terminal and notes are wanted."""
    from tqdm import tqdm

    hidden = None if log.isEnabledFor(logging.INFO) else True  # None: hidden without a terminal
    return tqdm(total=total, unit=" rows", disable=hidden, file=sys.stderr)
