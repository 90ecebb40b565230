"""JSON lines: an object a line, its keys the columns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any, NoReturn

from ..errors import DataError
from .rows import Rejects, Row, cell_text, set_aside, unreadable

_PEEKED = 1000  # lines whose keys are the columns
_PEEKED_SIZE = 1 << 24  # characters of them, at most


def read_json(
    lines: Iterator[str], name: str, rejects: Rejects | None = None
) -> tuple[list[str], Iterator[Row]]:
    """Return the columns, which are the keys of the first thousand lines, and the rows."""
    read = _objects(lines, name, rejects)
    opening = []
    size = 0
    for line, length, values in read:
        opening.append((line, length, values))
        size += length
        if len(opening) == _PEEKED or size > _PEEKED_SIZE:
            break
    if not opening:
        bad = rejects.count if rejects else 0
        raise DataError(f"{name}: {'no line can be read' if bad else 'the file is empty'}")
    columns = list(dict.fromkeys(key for _, _, values in opening for key in values))
    blank = dict.fromkeys(columns, "")
    rows = (Row(line, blank | values) for line, _, values in itertools.chain(opening, read))
    return columns, rows


def _objects(
    lines: Iterator[str], name: str, rejects: Rejects | None
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield line, length and object of each line that is not empty."""
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            value = _object(line, rejects is not None)
        except ValueError as error:
            set_aside(rejects, name, number, str(error), line)
        else:
            yield number, len(line), value


def _object(line: str, lenient: bool) -> dict[str, Any]:
    """Return the object of a line; ValueError says what it is instead."""
    if lenient and (reason := unreadable(line)):
        raise ValueError(reason)
    try:
        value = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", None) or str(error)
        if place := getattr(error, "colno", 0):
            reason += f" at character {place}"
        raise ValueError(f"not valid JSON ({reason})") from None
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else f"the value {cell_text(value)!r}"
        raise ValueError(f"expected a JSON object, got {kind}")
    if "\\u" in line:
        _refuse_halves(value)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a key that stands twice one value would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return found


def _refuse_halves(values: dict[str, Any]) -> None:
    """Refuse half of a surrogate pair, which no file can hold."""
    for key, value in values.items():
        try:
            json.dumps([key, value], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            shown = key.encode("utf-8", "backslashreplace").decode()
            raise ValueError(f"column {shown!r}: half of a \\u surrogate pair") from None


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")
