"""JSON lines: an object a line, its keys the columns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any, NoReturn

from ..errors import DataError
from .rows import Row, cell_text

_PEEKED = 1000  # lines whose keys are the columns
_PEEKED_SIZE = 1 << 24  # characters of them, at most


def read_json(lines: Iterator[str], name: str) -> tuple[list[str], Iterator[Row]]:
    """Return the columns, which are the keys of the first thousand lines, and the rows."""
    read = _objects(lines, name)
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


def _objects(lines: Iterator[str], name: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield line, length and object of each line that is not empty."""
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            value = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or str(error)
            if place := getattr(error, "colno", 0):
                reason += f" at character {place}"
            raise DataError(f"{name}:{number}: not valid JSON ({reason})") from None
        if not isinstance(value, dict):
            kind = "a list" if isinstance(value, list) else f"the value {cell_text(value)!r}"
            raise DataError(f"{name}:{number}: expected a JSON object, got {kind}")
        if "\\u" in line:
            _refuse_halves(value, f"{name}:{number}")
        yield number, len(line), value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a key that stands twice one value would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return found


def _refuse_halves(values: dict[str, Any], place: str) -> None:
    """Refuse half of a surrogate pair, which no file can hold."""
    for key, value in values.items():
        try:
            json.dumps([key, value], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            shown = key.encode("utf-8", "backslashreplace").decode()
            raise DataError(f"{place}: column {shown!r}: half of a \\u surrogate pair") from None


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")
