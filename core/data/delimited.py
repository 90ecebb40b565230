"""csv and tsv: Python's excel dialect, faults named by line."""

from __future__ import annotations

import csv
import itertools
import logging
from collections import deque
from collections.abc import Iterator

from ..errors import DataError
from .encoding import clip
from .rows import Rejects, Row, check_columns, set_aside, unreadable

log = logging.getLogger("titlekit")

_CELL = 1 << 24  # characters of the longest cell


def read_csv(
    lines: Iterator[str], name: str, delimiter: str, rejects: Rejects | None = None
) -> tuple[list[str], Iterator[Row]]:
    """Return the columns and the rows of a csv; `delimiter` "" is told from the header."""
    opening = []
    for line in lines:
        opening.append(line)
        if line.strip("\r\n"):
            break
    else:
        raise DataError(f"{name}: the file is empty")
    if reason := unreadable(opening[-1]):
        raise DataError(f"{name}:{len(opening)}: {reason}")  # a table without its header is none
    delimiter = delimiter or _delimiter(opening[-1], name)
    records = _records(itertools.chain(opening, lines), name, delimiter, rejects)
    line_number, _, columns = next(record for record in records if record[2])
    check_columns(columns, name, line_number)
    return columns, _rows(records, columns, name, rejects)


def _delimiter(header: str, name: str) -> str:
    for sign, word in ((";", "semicolons"), ("\t", "tabs")):
        if "," not in header and sign in header:
            log.info("%s: the header has no comma; cells are parted at %s", name, word)
            return sign
    return ","


def _records(
    lines: Iterator[str], name: str, delimiter: str, rejects: Rejects | None
) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield each record's first line number, its lines and its cells; no cells for an empty line.

    Of a quote that is never closed the line that opens it is set aside, not what it swallowed.
    """
    again: deque[str] = deque()
    taken: list[str] = []
    ended = headed = False

    def feed() -> Iterator[str]:
        nonlocal ended
        while (line := again.popleft() if again else next(lines, None)) is not None:
            taken.append(line)
            yield line
        ended = True

    csv.field_size_limit(_CELL)
    reader = csv.reader(feed(), delimiter=delimiter)
    start = 1
    while True:
        fault = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            fault = "a cell of more than 16 MB; is a quote never closed?"
        if ended:  # a record that asks for a line after the last one is still inside quotes
            fault = "a quote that opens in this row is never closed"
        if fault:
            set_aside(rejects if headed else None, name, start, fault, taken[0])
            again.extend(taken[1:])
            taken, ended = taken[:1], False
            reader = csv.reader(feed(), delimiter=delimiter)
        else:
            yield start, taken, cells
            headed = headed or bool(cells)
        start += len(taken)
        taken = []


def _rows(
    records: Iterator[tuple[int, list[str], list[str]]],
    columns: list[str],
    name: str,
    rejects: Rejects | None,
) -> Iterator[Row]:
    width = len(columns)
    for line, lines, cells in records:
        if not cells:
            if width > 1:
                continue
            cells = [""]
        fault = ""
        if rejects:
            fault = unreadable("".join(lines))
        if len(cells) != width:
            fault = fault or _width_fault(line, line + len(lines) - 1, columns, cells)
        if fault:
            set_aside(rejects, name, line, fault, "".join(lines))
        else:
            yield Row(line, dict(zip(columns, cells, strict=True)))


def _width_fault(line: int, last: int, columns: list[str], cells: list[str]) -> str:
    width = len(columns)
    if last > line:
        hint = f"the row runs on to line {last}: is a quote out of place?"
    elif len(cells) > width:
        hint = (
            f"{clip(cells[width])} has no column: a cell that holds the delimiter stands in quotes"
        )
    else:
        hint = f"column {columns[len(cells)]!r} has none"
    plural = "cell" if width == 1 else "cells"
    return f"expected {width} {plural}, got {len(cells)}; {hint}"
