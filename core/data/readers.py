"""Tables as rows of text, of every kind that is read: lazily, faults named by line."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from ..errors import DataError
from .delimited import read_csv
from .encoding import find_codec
from .files import PACKED, open_bytes, unpacked_name
from .jsonl import read_json
from .rows import Rejects, Row, cell_text
from .textfiles import open_text, read_lines, read_plain

__all__ = ["LINED", "SUFFIXES", "UNLABELLED", "Row", "Table", "cell_text", "kind_of", "open_table"]

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".txt": "txt",
    ".bib": "bib",
    ".ris": "ris",
}
LINED = ("csv", "tsv", "jsonl", "txt", "bib", "ris")  # read line by line: packed, and from a pipe
UNLABELLED = ("txt", "bib", "ris")  # texts that no one has labelled


class Table:
    """An open table: its name for messages, its columns, its kind; iterating yields its rows.

    `path` is that of a file which can be read again, "" else; `codec` the encoding of its text;
    `rejects` where rows go that cannot be read.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        columns: list[str],
        rows: Iterable[Row],
        close: Callable[[], object],
        path: str = "",
        codec: str = "",
        rejects: Rejects | None = None,
    ) -> None:
        self.path = path
        self.codec = codec
        self.rejects = rejects
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


def open_table(
    path: str, encoding: str = "", kind: str = "", rejects: Rejects | None = None
) -> Table:
    """Open a table and read its header.

    `path` "-" is standard input; it and pipes are read once, as UTF-8 unless `encoding` names
    another, as csv unless `kind` does. Else the suffix gives the kind; .gz, .bz2 and .xz behind
    it are unpacked. Raises DataError with file and line, here and while rows are read; a row that
    alone is at fault goes to `rejects`, where there are some.
    """
    once = path == "-" or _is_pipe(path)
    kind = kind or ("csv" if once else _kind(path))
    name = "standard input" if path == "-" else path
    if kind not in LINED:
        if once:
            raise DataError(f"{name}: {_a(kind)} cannot be read from a pipe; save it, or use csv")
        return _open_whole(path, kind, rejects)
    lenient = rejects is not None
    if once:
        stream = _open_once(path, encoding, lenient)
    else:
        stream = open_text(path, encoding, _line_end(kind), lenient)
    lines = read_lines(stream, name, lenient)
    # Closing a wrapper closes what it wraps; standard input is not ours to close.
    close = stream.detach if path == "-" else stream.close
    try:
        columns, rows = _reader(kind)(lines, name, rejects)
    except BaseException:
        close()
        raise
    path, codec = "" if once else path, stream.encoding
    return Table(name, kind, columns, rows, close, path, codec, rejects)


def kind_of(path: str) -> str:
    """Return the kind of table that a name's suffix tells, "" where it tells none."""
    return SUFFIXES.get(os.path.splitext(unpacked_name(path))[1].lower(), "")


_Reader = Callable[[Iterator[str], str, Rejects | None], tuple[list[str], Iterator[Row]]]


def _reader(kind: str) -> _Reader:
    if kind == "bib":
        from .bibtex import read_bibtex

        return read_bibtex
    if kind == "ris":
        from .ris import read_ris

        return read_ris
    if kind in ("csv", "tsv"):
        delimiter = "\t" if kind == "tsv" else ""
        return lambda lines, name, rejects: read_csv(lines, name, delimiter, rejects)
    return {"jsonl": read_json, "txt": read_plain}[kind]


def _open_whole(path: str, kind: str, rejects: Rejects | None) -> Table:
    if kind == "xlsx":
        from .sheets import open_sheet

        return Table(path, kind, *open_sheet(path, rejects), path=path, rejects=rejects)
    from .parquet import open_parquet

    return Table(path, kind, *open_parquet(path, rejects), path=path, rejects=rejects)


def _line_end(kind: str) -> str:
    # Only a line feed ends a plain line: damaged titles hold stray carriage returns.
    return "\n" if kind == "txt" else ""


def _open_once(path: str, encoding: str, lenient: bool) -> io.TextIOWrapper:
    codec = find_codec(encoding) if encoding else "utf-8-sig"
    stream = sys.stdin.buffer if path == "-" else open_bytes(path)
    errors = "surrogateescape" if lenient else "strict"
    return io.TextIOWrapper(stream, codec, errors, newline="")


def _is_pipe(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _kind(path: str) -> str:
    kind, inner = kind_of(path), unpacked_name(path)
    if kind and os.path.isfile(path):
        if kind not in LINED and inner != path:
            raise DataError(f"{path}: {_a(kind)} is packed already; unpack it first")
        return kind
    open_bytes(path).close()  # a missing file or a folder is the better sentence
    hint = "; one JSON object a line is .jsonl" if inner.lower().endswith(".json") else ""
    known, packed = ", ".join(SUFFIXES), ", ".join(PACKED)
    raise DataError(
        f"{path}: expected a file whose name ends in one of {known} (text also in {packed}){hint}"
    )


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "xlsx" else f"a {kind}"
