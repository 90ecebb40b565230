"""RIS: an entry a row, from its TY line to its ER line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..errors import DataError
from .bibliography import COLUMNS, EXTRA, row
from .encoding import clip
from .extras import need
from .rows import Rejects, Row, set_aside, unreadable

_TAG = re.compile(r"([A-Z][A-Z0-9])  -")
_LONGEST = 1 << 26  # characters of an entry, at most
_ENDLESS = "the entry has no line ER  - at its end"
# Where a column's text stands, by rispy's names, the first one that is there.
_FIELDS = {
    "title": ("primary_title", "title", "translated_title"),
    "author": ("authors", "first_authors"),
    "year": ("year", "publication_year"),
    "journal": ("journal_name", "secondary_title", "alternate_title3", "alternate_title2"),
    "doi": ("doi",),
    "url": ("urls",),
    "abstract": ("abstract", "notes_abstract"),
    "keywords": ("keywords",),
    "type": ("type_of_reference",),
    "key": ("id", "label", "accession_number"),
}


def read_ris(
    lines: Iterator[str], name: str, rejects: Rejects | None = None
) -> tuple[list[str], Iterator[Row]]:
    """Return the columns and the rows of a RIS file: of its entries, with their first lines.

    Raises DataError with file and line for an entry that does not end or cannot be read.
    """
    return COLUMNS, _rows(lines, name, need("rispy", EXTRA, name).RisParser(), rejects)


def _rows(lines: Iterator[str], name: str, parser: Any, rejects: Rejects | None) -> Iterator[Row]:
    found = False
    for first, entry, fault in _entries(lines, name):
        found, raw = True, "\n".join(entry)
        if rejects:
            fault = unreadable(raw) or fault
        if not fault:
            try:
                (record,) = parser.parse_lines(iter(entry))
            except (ValueError, LookupError, TypeError, AttributeError):
                fault = "an entry that cannot be read"
        if fault:
            set_aside(rejects, name, first, fault, raw)
            continue
        values = {}
        for column, names in _FIELDS.items():
            given = (_text(column, record[name]) for name in names if name in record)
            values[column] = next(filter(None, given), "")
        yield row(first, values)
    if not found:
        raise DataError(f"{name}: no entry that begins with a line TY  - JOUR")


def _entries(lines: Iterator[str], name: str) -> Iterator[tuple[int, list[str], str]]:
    """Yield each entry's first line, its lines and what is wrong with it, "" for nothing.

    What stands between entries is no tag.
    """
    entry: list[str] = []
    first = size = 0
    for number, line in enumerate(lines, 1):
        line = line.strip("\r\n")
        found = _TAG.match(line)
        tag = found[1] if found else ""
        if tag == "TY":
            if entry:
                yield first, entry, _ENDLESS
            entry, first, size = [], number, 0
        elif tag and not entry:
            yield number, [line], f"{clip(line)} stands in no entry; TY begins one"
            continue
        size += len(line)
        if size > _LONGEST:
            raise DataError(f"{name}:{first}: an entry of more than 64 MB; is ER missing?")
        if entry or tag == "TY":
            entry.append(line)
        if tag == "ER":
            yield first, entry, ""
            entry = []
    if entry:
        yield first, entry, _ENDLESS


def _text(column: str, value: Any) -> str:
    if isinstance(value, list):
        return ("; " if column == "keywords" else " and ").join(value).strip()
    return " ".join(str(value).split())
