"""Tables as rows of text: csv, tsv, jsonl and xlsx, read lazily, faults named by line."""

from __future__ import annotations

import io
import itertools
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, NoReturn

from ..errors import DataError
from .delimited import read_csv
from .encoding import find_codec, open_bytes
from .rows import Row, cell_text, check_columns
from .textfiles import open_text, read_lines

__all__ = ["SUFFIXES", "Row", "Table", "cell_text", "open_table"]

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
}

_PEEKED = 1000  # lines of a jsonl whose keys are its columns
_PEEKED_SIZE = 1 << 24  # characters of them, at most


class Table:
    """An open table: its name for messages, its columns, its kind; iterating yields its rows."""

    def __init__(
        self,
        name: str,
        kind: str,
        columns: list[str],
        rows: Iterable[Row],
        close: Callable[[], object],
    ) -> None:
        self.name = name
        self.kind = kind
        self.columns = columns
        self._rows = rows
        self._close = close

    def __iter__(self) -> Iterator[Row]:
        # No "yield from": a loop that was left can be taken up again.
        for row in self._rows:  # noqa: UP028
            yield row
        self.close()

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        close, self._close = self._close, bool
        close()


def open_table(path: str, encoding: str = "", kind: str = "") -> Table:
    """Open a table and read its header.

    `path` "-" is standard input; it and pipes are read once, as UTF-8 unless `encoding` names
    another, as csv unless `kind` does. Else the suffix gives the kind. Raises DataError with
    file and line, here and while rows are read.
    """
    once = path == "-" or _is_pipe(path)
    kind = kind or ("csv" if once else _kind(path))
    name = "standard input" if path == "-" else path
    if kind == "xlsx":
        if once:
            raise DataError(f"{name}: an xlsx cannot be read from a pipe; save it, or use csv")
        return _open_sheet(path)
    stream = _open_once(path, encoding) if once else open_text(path, encoding)
    lines = read_lines(stream, name)
    # Closing a wrapper closes what it wraps; standard input is not ours to close.
    close = stream.detach if path == "-" else stream.close
    try:
        if kind == "jsonl":
            columns, rows = _read_json(lines, name)
        else:
            columns, rows = read_csv(lines, name, "\t" if kind == "tsv" else "")
    except BaseException:
        close()
        raise
    return Table(name, kind, columns, rows, close)


def _open_once(path: str, encoding: str) -> io.TextIOWrapper:
    codec = find_codec(encoding) if encoding else "utf-8-sig"
    stream = sys.stdin.buffer if path == "-" else open_bytes(path)
    return io.TextIOWrapper(stream, codec, newline="")


def _is_pipe(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _kind(path: str) -> str:
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES or not os.path.isfile(path):
        open_bytes(path).close()  # a missing file or a folder is the better sentence
        hint = "; one JSON object a line is .jsonl" if suffix == ".json" else ""
        known = ", ".join(SUFFIXES)
        raise DataError(f"{path}: expected a file whose name ends in one of {known}{hint}")
    return SUFFIXES[suffix]


def _read_json(lines: Iterator[str], name: str) -> tuple[list[str], Iterator[Row]]:
    read = _json_objects(lines, name)
    opening = []
    size = 0
    for line, length, values in read:
        opening.append((line, length, values))
        size += length
        if len(opening) == _PEEKED or size > _PEEKED_SIZE:
            break
    if not opening:
        raise DataError(f"{name}: the file is empty")
    columns = list(dict.fromkeys(key for _, _, values in opening for key in values))
    blank = dict.fromkeys(columns, "")
    rows = (Row(line, blank | values) for line, _, values in itertools.chain(opening, read))
    return columns, rows


def _json_objects(lines: Iterator[str], name: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield line, length and object of each line that is not empty."""
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            value = json.loads(line, parse_constant=_refuse_constant)
            if "\\u" in line:
                json.dumps(value, ensure_ascii=False).encode()  # finds half of a surrogate pair
        except UnicodeEncodeError:
            raise DataError(f"{name}:{number}: half of a \\u surrogate pair") from None
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or str(error)
            raise DataError(f"{name}:{number}: not valid JSON ({reason})") from None
        if not isinstance(value, dict):
            kind = "a list" if isinstance(value, list) else f"the value {cell_text(value)!r}"
            raise DataError(f"{name}:{number}: expected a JSON object, got {kind}")
        yield number, len(line), value


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def _open_sheet(path: str) -> Table:
    from .sheets import read_sheet

    rows = read_sheet(path)
    try:
        line, columns = next(rows, (0, []))
        if not columns:
            raise DataError(f"{path}: the sheet is empty")
        check_columns(columns, path, line)
    except BaseException:
        rows.close()
        raise
    return Table(path, "xlsx", columns, _sheet_rows(rows, columns, path), rows.close)


def _sheet_rows(
    rows: Iterator[tuple[int, list[str]]], columns: list[str], name: str
) -> Iterator[Row]:
    """Yield rows of the header's width; only blank cells may stand beyond it."""
    width = len(columns)
    empty: list[int] = []  # rows of a one-column sheet that count only if text follows
    for line, cells in rows:
        if not any(cells):
            empty += [line] if width == 1 else []
            continue
        if any(cells[width:]):
            raise DataError(
                f"{name}:{line}: expected {width} cells, got {len(cells)}; the header lacks a name"
            )
        for blank in empty:
            yield Row(blank, {columns[0]: ""})
        empty.clear()
        yield Row(line, dict(itertools.zip_longest(columns, cells[:width], fillvalue="")))
