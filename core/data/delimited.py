"""csv and tsv: Python's excel dialect, faults named by line."""

from __future__ import annotations

import csv
import itertools
import logging
from collections.abc import Iterator
from typing import NoReturn

from ..errors import DataError
from .encoding import clip
from .rows import Row, check_columns

log = logging.getLogger("titlekit")

_CELL = 1 << 24  # characters of the longest cell


def read_csv(lines: Iterator[str], name: str, delimiter: str) -> tuple[list[str], Iterator[Row]]:
    """Return the columns and the rows of a csv; `delimiter` "" is told from the header."""
    opening = []
    for line in lines:
        opening.append(line)
        if line.strip("\r\n"):
            break
    else:
        raise DataError(f"{name}: the file is empty")
    delimiter = delimiter or _delimiter(opening[-1], name)
    records = _records(itertools.chain(opening, lines), name, delimiter)
    line_number, _, columns = next(record for record in records if record[2])
    check_columns(columns, name, line_number)
    return columns, _rows(records, columns, name)


def _delimiter(header: str, name: str) -> str:
    for sign, word in ((";", "semicolons"), ("\t", "tabs")):
        if "," not in header and sign in header:
            log.info("%s: the header has no comma; cells are parted at %s", name, word)
            return sign
    return ","


def _records(
    lines: Iterator[str], name: str, delimiter: str
) -> Iterator[tuple[int, int, list[str]]]:
    """Yield each record's first and last line and its cells; no cells for an empty line."""
    ended = False

    def feed() -> Iterator[str]:
        nonlocal ended
        yield from lines
        ended = True

    csv.field_size_limit(_CELL)
    reader = csv.reader(feed(), delimiter=delimiter)
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise DataError(
                f"{name}:{start}: a cell of more than 16 MB; is a quote never closed?"
            ) from None
        if ended:  # a record that asks for a line after the last one is still inside quotes
            raise DataError(f"{name}:{start}: a quote that opens in this row is never closed")
        yield start, reader.line_num, cells
        start = reader.line_num + 1


def _rows(
    records: Iterator[tuple[int, int, list[str]]], columns: list[str], name: str
) -> Iterator[Row]:
    width = len(columns)
    for line, last, cells in records:
        if not cells:
            if width > 1:
                continue
            cells = [""]
        if len(cells) != width:
            _refuse_width(name, line, last, columns, cells)
        yield Row(line, dict(zip(columns, cells, strict=True)))


def _refuse_width(
    name: str, line: int, last: int, columns: list[str], cells: list[str]
) -> NoReturn:
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
    raise DataError(f"{name}:{line}: expected {width} {plural}, got {len(cells)}; {hint}")
