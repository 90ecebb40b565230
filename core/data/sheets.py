"""The first sheet of an xlsx, as the text that a person sees."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator
from typing import Any
from zipfile import BadZipFile

from ..errors import DataError
from .encoding import open_bytes
from .rows import cell_text

log = logging.getLogger("titlekit")


def read_sheet(path: str) -> Generator[tuple[int, list[str]], None, None]:
    """Yield row numbers, from 1, and cells; blank cells at a row's end are left out.

    Empty rows before the first one with text are left out, later ones have no cells.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with open_bytes(path) as stream:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of styles and extensions, which hold no text
                book = load_workbook(stream, read_only=True, data_only=True)
        except (BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError, OSError):
            raise DataError(
                f"{path}: not an xlsx workbook (an old .xls or a file with a password is none "
                "either); save it as xlsx or csv"
            ) from None
        try:
            if not book.worksheets:
                raise DataError(f"{path}: the workbook has no sheet of cells")
            sheet = book.worksheets[0]
            if len(book.worksheets) > 1:
                others = ", ".join(repr(other.title) for other in book.worksheets[1:])
                log.info("%s: read from sheet %r, not from %s", path, sheet.title, others)
            sheet.reset_dimensions()  # what the file says of its size is often wrong
            begun = False
            for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
                cells = _cells(values)
                begun = begun or bool(cells)
                if begun:
                    yield number, cells
        finally:
            book.close()


def _cells(values: tuple[Any, ...]) -> list[str]:
    cells = [_seen(value) for value in values]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _seen(value: Any) -> str:
    """Return a cell's value as a sheet shows it: 15 digits at most, TRUE and FALSE."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return cell_text(float(format(value, ".15g")))
    return cell_text(value)
