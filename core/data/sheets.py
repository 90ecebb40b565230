"""The first sheet of an xlsx, as the text that a person sees."""

from __future__ import annotations

import itertools
import json
import logging
import warnings
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any
from zipfile import BadZipFile

from ..errors import DataError
from .files import open_bytes
from .rows import Rejects, Row, cell_text, check_columns, set_aside

log = logging.getLogger("titlekit")

# What zip, XML and openpyxl raise for a damaged file; an XML error is a SyntaxError.
_DAMAGE = (BadZipFile, zlib.error, EOFError, LookupError, ValueError, TypeError, SyntaxError)


def open_sheet(
    path: str, rejects: Rejects | None = None
) -> tuple[list[str], Iterator[Row], Callable[[], object]]:
    """Return the columns, the rows and what closes the file; DataError with the sheet's row."""
    rows = read_sheet(path)
    try:
        line, columns = next(rows, (0, []))
        if not columns:
            raise DataError(f"{path}: the sheet is empty")
        check_columns(columns, path, line)
    except BaseException:
        rows.close()
        raise
    return columns, _rows(rows, columns, path, rejects), rows.close


def read_sheet(path: str) -> Generator[tuple[int, list[str]], None, None]:
    """Yield row numbers, from 1, and cells; blank cells at a row's end are left out.

    Empty rows before the first one with text are left out, later ones have no cells. Raises
    DataError where the file is no workbook or is damaged.
    """
    number = 0
    with open_bytes(path) as stream:
        try:
            book = _open_book(stream)
            try:
                begun = False
                for number, values in enumerate(_first_sheet(book, path), 1):
                    cells = _cells(values)
                    begun = begun or bool(cells)
                    if begun:
                        yield number, cells
            finally:
                book.close()
        except _DAMAGE:
            if number:
                raise DataError(f"{path}:{number + 1}: the sheet is damaged from here on") from None
            raise DataError(
                f"{path}: not an xlsx workbook (an old .xls or a file with a password is none "
                "either); save it as xlsx or csv"
            ) from None


def _rows(
    rows: Iterator[tuple[int, list[str]]], columns: list[str], name: str, rejects: Rejects | None
) -> Iterator[Row]:
    """Yield rows of the header's width; only blank cells may stand beyond it."""
    from openpyxl.utils import get_column_letter

    width = len(columns)
    empty: list[int] = []  # rows of a one-column sheet that count only if text follows
    for line, cells in rows:
        if not any(cells):
            empty += [line] if width == 1 else []
            continue
        if any(cells[width:]):
            letter = get_column_letter(
                next(n for n, cell in enumerate(cells, 1) if n > width and cell)
            )
            reason = (
                f"expected {width} cells, got {len(cells)}; the header lacks a name for column "
                f"{letter}"
            )
            set_aside(rejects, name, line, reason, json.dumps(cells, ensure_ascii=False))
            continue
        for blank in empty:
            yield Row(blank, {columns[0]: ""})
        empty.clear()
        yield Row(line, dict(itertools.zip_longest(columns, cells[:width], fillvalue="")))


def _open_book(stream: Any) -> Any:
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions, which hold no text
        return load_workbook(stream, read_only=True, data_only=True)


def _first_sheet(book: Any, path: str) -> Any:
    """Return the rows of values of the first sheet; the others are named in the log."""
    if not book.worksheets:
        raise DataError(f"{path}: the workbook has no sheet of cells")
    sheet, *others = book.worksheets
    if others:
        names = ", ".join(repr(other.title) for other in others)
        log.info("%s: read from sheet %r, not from %s", path, sheet.title, names)
    sheet.reset_dimensions()  # what the file says of its size is often wrong
    return sheet.iter_rows(values_only=True)


def _cells(values: tuple[Any, ...]) -> list[str]:
    cells = [_seen(value) for value in values]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _seen(value: Any) -> str:
    """Return a cell's value as a sheet shows it: 15 digits at most, TRUE and FALSE."""
    if isinstance(value, str):
        from openpyxl.utils.escape import unescape

        return str(unescape(value)) if "_x" in value else value  # _x000D_ is a carriage return
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return cell_text(float(format(value, ".15g")))
    return cell_text(value)
