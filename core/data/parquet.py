"""Parquet, read in batches of rows: memory stays bounded whatever the file's size."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Generator, Iterator
from typing import Any

from ..errors import DataError
from .extras import need
from .files import open_bytes
from .rows import Rejects, Row, cell_text, check_columns, set_aside

EXTRA = "parquet"  # titlekit's extra that brings pyarrow
_BATCH = 4096  # rows held as Python's values


def open_parquet(
    path: str, rejects: Rejects | None = None
) -> tuple[list[str], Iterator[Row], Callable[[], object]]:
    """Return the columns, the rows, counted from 1, and what closes the file.

    Raises DataError where the file is no parquet, is damaged, or a column holds what is no text.
    """
    open_bytes(path).close()  # a missing file or a folder is the better sentence
    arrow = need("pyarrow", EXTRA, path)
    reader = need("pyarrow.parquet", EXTRA, path)
    try:
        # Pages are read as they come: else a whole row group would be in memory.
        file = reader.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
        columns = list(file.schema_arrow.names)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: not a parquet file, or a damaged one ({_short(error)})") from None
    try:
        check_columns(columns, path, 0)
        if not columns:
            raise DataError(f"{path}: the file has no columns")
    except BaseException:
        file.close()
        raise
    return columns, _rows(file, columns, path, arrow, rejects), file.close


def _rows(
    file: Any, columns: list[str], path: str, arrow: Any, rejects: Rejects | None
) -> Generator[Row, None, None]:
    number = 0
    batches = file.iter_batches(batch_size=_BATCH, use_threads=False)
    while True:
        try:
            batch = next(batches, None)
        except (arrow.ArrowException, OSError, ValueError) as error:
            raise DataError(
                f"{path}:{number + 1}: the file is damaged from this row on ({_short(error)})"
            ) from None
        if batch is None:
            return
        faults: dict[int, str] = {}
        cells = [
            _cells(column, name, faults, arrow)
            for column, name in zip(batch.columns, columns, strict=True)
        ]
        for place, values in enumerate(zip(*cells, strict=True)):
            number += 1
            row = dict(zip(columns, values, strict=True))
            if place in faults:
                raw = json.dumps(row, ensure_ascii=False)
                set_aside(rejects, path, number, faults[place], raw)
            else:
                yield Row(number, row)


def _cells(column: Any, name: str, faults: dict[int, str], arrow: Any) -> list[Any]:
    """Return a column of a batch as JSON's values; note the rows where one is no text."""
    with contextlib.suppress(arrow.ArrowException, ValueError):
        if arrow.types.is_temporal(column.type):
            column = column.cast(arrow.string())  # with all its digits
        return [_plain(value) for value in column.to_pylist()]
    found: list[Any] = []
    here: dict[int, str] = {}
    for place in range(len(column)):
        try:
            found.append(_plain(column[place].as_py()))
        except (arrow.ArrowException, ValueError):
            found.append(None)
            here[place] = f"column {name!r}: a value of type {column.type} that is no text"
    if not here:
        whole = f"column {name!r}: cannot be read as {column.type}"
        here = dict.fromkeys(range(len(column)), whole)
    faults |= here | faults
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: nan is missing, bytes are UTF-8, else its text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return cell_text(value)


def _short(error: Exception) -> str:
    """Return the first sentence of what a library says."""
    return " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
