"""Answers as bytes, chunk by chunk: csv, tsv, jsonl, packed or not, and parquet."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from .extras import need
from .parquet import EXTRA
from .readers import Table
from .rows import Row
from .writers import KINDS, cell, ending, refuse_taken, refuse_wider, row_writer

PACKED = ".gz"
TARGETS = {**KINDS, ".parquet": "parquet", **{f"{name}{PACKED}": KINDS[name] for name in KINDS}}

Values = Sequence[str | float | None]  # what is added to a row


class Encoder(Protocol):
    """Turns rows into chunks of bytes which, end to end, are a file or what one is made of."""

    def write(self, row: Row, values: Values) -> None:
        """Take a row and what is added to it."""

    def take(self, first: bool) -> bytes:
        """Return the rows since the last chunk; `first`: with what begins the file."""

    def whole(self, part: Path, beside: Path) -> Path:
        """Return the file that the chunks in `part` make: itself, or another one, `beside` it."""


def check_extra(target: str) -> None:
    """Refuse a parquet target where pyarrow is missing."""
    if ending(Path(target)) == ".parquet":
        need("pyarrow", EXTRA, target)


def make_encoder(target: str, table: Table, added: Sequence[str]) -> Encoder:
    """Return what writes a target of this name; `added` are the columns behind the table's."""
    name = ending(Path(target))
    if name == ".parquet":
        return _Columns(target, table, added)
    return _Lines(TARGETS[name], name.endswith(PACKED), table, added)


class _Lines:
    def __init__(self, kind: str, packed: bool, table: Table, added: Sequence[str]) -> None:
        self._text = io.StringIO(newline="")
        self._packed = packed
        self.write = row_writer(self._text, kind, table, added, "predict")
        self._head = self._emptied()

    def take(self, first: bool) -> bytes:
        # backslashreplace: half a surrogate pair, which only JSON can hold, stays what it was.
        text = (self._head if first else "") + self._emptied()
        data = text.encode("utf-8", "backslashreplace")
        if self._packed and (data or first):
            return gzip.compress(data, mtime=0)  # members end to end are one file
        return data

    def _emptied(self) -> str:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text

    def whole(self, part: Path, beside: Path) -> Path:
        return part


class _Columns:
    """Chunks are Arrow streams, each whole in itself; the parquet gets a row group of each."""

    def __init__(self, target: str, table: Table, added: Sequence[str]) -> None:
        refuse_taken(table.columns, added, table.name, "predict")
        self._arrow = need("pyarrow", EXTRA, target)
        self._parquet = need("pyarrow.parquet", EXTRA, target)
        self._table = table
        text, number = self._arrow.string(), self._arrow.float64()
        numbers = [name == "score" or name.startswith("p_") for name in added]
        kinds = [text] * len(table.columns) + [number if one else text for one in numbers]
        self._schema = self._arrow.schema(list(zip([*table.columns, *added], kinds, strict=True)))
        self._cells: list[list[Any]] = [[] for _ in kinds]

    def write(self, row: Row, values: Values) -> None:
        refuse_wider(row, self._table)
        given = [row.values[name] for name in self._table.columns]
        read = [None if one is None else cell(one) for one in given]
        for cells, value in zip(self._cells, [*read, *values], strict=True):
            cells.append(value)

    def take(self, first: bool) -> bytes:
        if not self._cells[0]:
            return b""
        kinds = [field.type for field in self._schema]
        columns = [self._column(*one) for one in zip(self._cells, kinds, strict=True)]
        batch = self._arrow.record_batch(columns, schema=self._schema)
        self._cells = [[] for _ in kinds]
        sink = self._arrow.BufferOutputStream()
        with self._arrow.ipc.new_stream(sink, self._schema) as stream:
            stream.write_batch(batch)
        return bytes(sink.getvalue())

    def _column(self, cells: list[Any], kind: Any) -> Any:
        try:
            return self._arrow.array(cells, kind)
        except UnicodeEncodeError:  # half a surrogate pair stays what it was
            plain = [one and one.encode("utf-8", "backslashreplace").decode() for one in cells]
            return self._arrow.array(plain, kind)

    def whole(self, part: Path, beside: Path) -> Path:
        with (
            self._parquet.ParquetWriter(beside, self._schema) as writer,
            self._arrow.OSFile(str(part)) as chunks,
        ):
            while chunks.tell() < chunks.size():
                with self._arrow.ipc.open_stream(chunks) as stream:
                    writer.write_table(stream.read_all())
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        return beside
