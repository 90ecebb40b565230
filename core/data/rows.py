"""A table's row and what its cells and columns may be."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DataError

_ESCAPED = re.compile("[\udc80-\udcff]")  # a byte that does not decode, as surrogateescape has it


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on, counted from 1, and its cells.

    The line of an xlsx is the sheet's row, of a parquet the row without a header. Cells are text;
    in jsonl and parquet they are JSON's values, and a key that a line lacks is "".
    """

    line: int
    values: dict[str, Any]


class RowFault(DataError):
    """A fault of one row alone: a reader that has `Rejects` sets the row aside and goes on."""


class Rejects:
    """Where rows that cannot be read go: line, reason and raw text, each counted.

    `write` takes a row's three cells; `close` ends what is written.
    """

    def __init__(
        self, write: Callable[[Sequence[str]], None], close: Callable[[], object] = bool
    ) -> None:
        self.count = 0
        self.close = close
        self._write = write

    def take(self, line: int, reason: str, raw: str) -> None:
        """Write down a row; bytes that do not decode stand in it as \\xNN."""
        self.count += 1
        raw = _ESCAPED.sub(lambda sign: f"\\x{ord(sign[0]) - 0xDC00:02x}", raw.rstrip("\r\n"))
        self._write([str(line), reason, raw])


def set_aside(rejects: Rejects | None, name: str, line: int, reason: str, raw: str) -> None:
    """Hand a row that cannot be read to `rejects`; raise RowFault where there are none."""
    if rejects is None:
        raise RowFault(f"{name}:{line}: {reason}")
    rejects.take(line, reason, raw)


def unreadable(raw: str) -> str:
    """Return why the raw text of a row is no text, "" for one that is: NUL, undecoded bytes."""
    if "\0" in raw:
        return "NUL bytes; is it UTF-16? --encoding utf-16"
    found = None if raw.isascii() else _ESCAPED.search(raw)
    if found is None:
        return ""
    line = raw[raw.rfind("\n", 0, found.start()) + 1 : found.start()]
    byte = ord(found[0]) - 0xDC00
    return f"byte 0x{byte:02x} at character {len(line) + 1} does not decode"


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
