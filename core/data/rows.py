"""A table's row and what its cells and columns may be."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DataError


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on, counted from 1, and its cells.

    The line of an xlsx is the sheet's row, of a parquet the row without a header. Cells are text;
    in jsonl and parquet they are JSON's values, and a key that a line lacks is "".
    """

    line: int
    values: dict[str, Any]


def cell_text(value: Any) -> str:
    """Return a cell as text: None is "", True is "true", 3.0 is "3", dates are ISO.

    Raises ValueError for a list or an object.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        whole = value.time() == datetime.time()
        return value.date().isoformat() if whole else value.isoformat(" ")
    if isinstance(value, dict | list):
        raise ValueError("an object" if isinstance(value, dict) else "a list")
    return str(value)


def check_columns(columns: Sequence[str], name: str, line: int) -> None:
    """Refuse columns that a name could not tell apart; one without a name is pandas' index.

    `line` is the header's, 0 where the file says its columns otherwise.
    """
    if len(set(columns)) == len(columns):
        return
    column = next(column for place, column in enumerate(columns) if column in columns[:place])
    named = f"named {column!r}" if column else "without a name"
    if not line:
        raise DataError(f"{name}: two columns {named}")
    raise DataError(f"{name}:{line}: two columns {named}; the first line is the header")
