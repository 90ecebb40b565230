"""Rows written to csv, tsv and jsonl: files whole or not at all, cells that read back."""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import DataError, UsageError
from .readers import Table
from .rows import Rejects, Row, cell_text

if TYPE_CHECKING:
    from tqdm import tqdm

log = logging.getLogger("titlekit")

KINDS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl"}


def check_target(
    source: str,
    target: str,
    overwrite: bool,
    kinds: Mapping[str, str] = KINDS,
    option: str = "-o",
) -> str:
    """Return the kind of file that a target's name asks for, or refuse the target.

    `kinds`: what each ending stands for; `option` begins errors.
    """
    path = Path(target)
    kind = kinds.get(ending(path))
    if kind is None:
        hint = ", or - for stdout" if option == "-o" else ""
        raise UsageError(
            f"{option} {target}: expected a name that ends in {', '.join(kinds)}{hint}"
        )
    if not path.parent.is_dir():
        raise UsageError(f"{option} {target}: there is no folder {str(path.parent)!r}")
    if not path.exists():
        return kind
    if not path.is_file():
        raise UsageError(f"{option} {target}: expected a file, that is a folder or a device")
    if Path(source).exists() and path.samefile(source):
        raise UsageError(f"{option} {target} is the input itself; choose another name")
    if not overwrite:
        raise UsageError(
            f"{option} {target} exists; choose another name, or replace it with --overwrite"
        )
    return kind


def ending(path: Path) -> str:
    """Return the ending that tells a file's kind, in lower case: .csv, .csv.gz."""
    endings = Path(path.name.lower()).suffixes
    return "".join(endings[-2:] if endings[-1:] == [".gz"] else endings[-1:])


@contextlib.contextmanager
def open_rejects(path: str) -> Iterator[Rejects]:
    """Open a csv for rows that cannot be read; it appears when it is closed, or with the block."""
    with contextlib.ExitStack() as stack:
        write = csv_writer(stack.enter_context(whole(Path(path))))
        write(["line", "reason", "raw"])
        yield Rejects(write, stack.close)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 file that appears under its name when it is whole, and not at all otherwise."""
    place = path.resolve()  # where a link points; the link stays
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        # backslashreplace: half a surrogate pair, which only JSON can hold, stays what it was.
        with beside.open("x", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
        os.replace(beside, place)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def csv_writer(stream: TextIO, delimiter: str = ",") -> Callable[[Sequence[str]], None]:
    """Return a function that writes a row which reads back as it was."""
    plain = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    quoted = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(cells: Sequence[str]) -> None:
        # Python 3.11 leaves a lone carriage return bare, which readers take for a line end.
        writer = quoted if any("\r" in cell for cell in cells) else plain
        writer.writerow(cells)

    return write


def row_writer(
    stream: TextIO, kind: str, table: Table, added: Sequence[str], command: str
) -> Callable[[Row, Sequence[str | float | None]], None]:
    """Write the header, where there is one; return a function that writes a row and what is added.

    Numbers have 6 decimals in csv and tsv, None is an empty cell. Raises DataError where `command`
    would add a column that is there already.
    """
    refuse_taken(table.columns, added, table.name, command)

    def write_json(row: Row, values: Sequence[str | float | None]) -> None:
        refuse_taken(row.values, added, f"{table.name}:{row.line}", command)
        record = row.values | dict(zip(added, values, strict=True))
        stream.write(json.dumps(record, ensure_ascii=False) + "\n")

    def write_cells(row: Row, values: Sequence[str | float | None]) -> None:
        refuse_wider(row, table)
        write([*(cell(row.values[name]) for name in table.columns), *map(_added, values)])

    if kind == "jsonl":
        return write_json
    write = csv_writer(stream, "\t" if kind == "tsv" else ",")
    write([*table.columns, *added])
    return write_cells


def _added(value: str | float | None) -> str:
    return f"{value:.6f}" if isinstance(value, float) else value or ""


def cell(value: Any) -> str:
    """Return a cell of a csv: lists and objects of a jsonl stand in it as JSON."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return cell_text(value)


def refuse_wider(row: Row, table: Table) -> None:
    """Refuse a row of JSON with a field that has no column in a table of cells."""
    if len(row.values) > len(table.columns):
        extra = next(name for name in row.values if name not in table.columns)
        raise DataError(
            f"{table.name}:{row.line}: a field {extra!r} that the first rows lack has no "
            "column; write JSON lines: -o FILE.jsonl"
        )


def refuse_taken(there: Any, added: Sequence[str], where: str, command: str) -> None:
    """Refuse to add a column to a table or a row that has it already."""
    for name in added:
        if name in there:
            raise DataError(
                f"{where}: there is a column {name!r} already, which {command} would add; "
                "rename it or leave it out"
            )


def progress_bar(total: int | None = None) -> tqdm[Any]:
    """Return a bar of rows on stderr; it shows where that is a terminal and notes are wanted."""
    from tqdm import tqdm

    hidden = None if log.isEnabledFor(logging.INFO) else True  # None: hidden without a terminal
    return tqdm(total=total, unit=" rows", disable=hidden, file=sys.stderr)
