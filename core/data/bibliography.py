"""What BibTeX and RIS have in common: the columns of a bibliography."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .rows import Row

EXTRA = "bibliography"  # titlekit's extra that brings the parsers
COLUMNS = [
    "title",
    "author",
    "year",
    "journal",
    "doi",
    "url",
    "abstract",
    "keywords",
    "type",
    "key",
]


def row(line: int, values: Mapping[str, str]) -> Row:
    """Return an entry as a row; what it lacks is an empty cell, of a date the year stays."""
    cells = {column: values.get(column, "") for column in COLUMNS}
    if re.match(r"\d{4}[-/]", cells["year"]):
        cells["year"] = cells["year"][:4]
    return Row(line, cells)
