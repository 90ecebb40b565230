"""BibTeX: an entry a row, its LaTeX as plain text."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from ..errors import DataError
from .bibliography import COLUMNS, EXTRA, row
from .encoding import clip
from .extras import need
from .latex import plain_link, plain_text
from .rows import Rejects, Row, set_aside, unreadable

_PIECE = 1 << 20  # characters parsed at once: bounds memory whatever the file's size
_LONGEST = 1 << 26  # characters of an entry, at most
_BEGINS = re.compile(r"\s*@\w*[ \t]*[{(]")
# Where a column's text stands, the first field that has one.
_FIELDS = {
    "title": ("title",),
    "author": ("author", "editor"),
    "year": ("year", "date"),
    "journal": ("journal", "journaltitle", "booktitle"),
    "doi": ("doi",),
    "url": ("url",),
    "abstract": ("abstract",),
    "keywords": ("keywords", "keyword"),
}


def read_bibtex(
    lines: Iterator[str], name: str, rejects: Rejects | None = None
) -> tuple[list[str], Iterator[Row]]:
    """Return the columns and the rows of a BibTeX file: of its entries, with their first lines.

    @string is resolved, other text than entries is left out, as BibTeX does. Raises DataError
    with file and line for an entry that cannot be read.
    """
    parse = need("bibtexparser", EXTRA, name).parse_string
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # faults are raised here
    return COLUMNS, _rows(lines, name, parse, rejects)


def _rows(lines: Iterator[str], name: str, parse: Any, rejects: Rejects | None) -> Iterator[Row]:
    strings: dict[str, str] = {}
    found = False
    for first, text in _pieces(lines, name):
        for block in parse(text, parse_stack=[]).blocks:
            line = first + block.start_line
            kind = type(block).__name__
            if kind.startswith("Duplicate"):  # of a key, which nothing here goes by
                block = block.ignore_error_block
                kind = type(block).__name__
            fault = _reason(block) if kind == "ParsingFailedBlock" else ""
            if rejects and kind in ("ParsingFailedBlock", "Entry"):
                fault = unreadable(block.raw) or fault
            if fault:
                found = True
                set_aside(rejects, name, line, fault, block.raw)
            elif kind == "String":
                strings[block.key.lower()] = _value(block.value, strings)
            elif kind == "Entry":
                found = True
                yield _row(block, line, strings)
    if not found:
        raise DataError(f"{name}: no entry such as @article{{key, title = {{…}}}}")


def _pieces(lines: Iterator[str], name: str) -> Iterator[tuple[int, str]]:
    """Yield the first line's number and the text of pieces that begin with an entry."""
    piece: list[str] = []
    size, first, begun = 0, 1, 1
    for number, line in enumerate(lines, 1):
        if _BEGINS.match(line):
            begun = number
            if size > _PIECE:
                yield first, "".join(piece)
                piece, size, first = [], 0, number
        piece.append(line.rstrip("\r\n") + "\n")
        size += len(line)
        if size > _PIECE + _LONGEST:
            raise DataError(
                f"{name}:{begun}: an entry of more than 64 MB; is a brace never closed?"
            )
    if piece:
        yield first, "".join(piece)


def _row(entry: Any, line: int, strings: dict[str, str]) -> Row:
    written: dict[str, str] = {}
    for field in entry.fields:
        written.setdefault(field.key.lower(), field.value)
    values = {"type": entry.entry_type, "key": entry.key}
    for column, names in _FIELDS.items():
        read = plain_link if column in ("doi", "url") else plain_text
        given = (read(_value(written[name], strings)) for name in names if name in written)
        values[column] = next(filter(None, given), "")
    return row(line, values)


def _value(written: str, strings: dict[str, str]) -> str:
    """Return a field's value: its parts between # without braces or quotes, names resolved."""
    parts, part, depth, quoted = [], "", 0, False
    for sign in written + "#":
        if sign == "#" and depth <= 0 and not quoted:
            parts.append(part.strip())
            part = ""
            continue
        depth += {"{": 1, "}": -1}.get(sign, 0)
        quoted ^= sign == '"' and depth == 0
        part += sign
    if part:  # braces or quotes that do not close: one value as it stands
        parts = [written]
    return "".join(
        part[1:-1] if part[:1] + part[-1:] in ("{}", '""') else strings.get(part.lower(), part)
        for part in parts
    )


def _reason(block: Any) -> str:
    """Return the parser's reason as the end of a sentence."""
    reason = getattr(block.error, "abort_reason", "") or str(block.error)
    words = " ".join(reason.split()).rstrip(".")
    shown = clip(block.raw.strip().splitlines()[0] if block.raw.strip() else "")
    return f"an entry that cannot be read, {shown}: {words[:1].lower()}{words[1:]}"
