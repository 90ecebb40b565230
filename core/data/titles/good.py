"""A person's own good titles: read from any table, blank ones and repetitions left out."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import DataError, UsageError
from ..columns import is_blank, row_text, text_columns
from ..readers import open_table
from .maker import hash_of

log = logging.getLogger("titlekit")


@dataclass(frozen=True)
class Good:
    """Different titles in the order of their files, and what was left out."""

    titles: list[str]
    names: list[str]  # of the files
    blank: int
    repeated: int  # equal to an earlier one but for case, punctuation and spaces
    sha256: str  # of the titles, a line each


def read_good(paths: Sequence[str], text_column: str = "", encoding: str = "") -> Good:
    """Read titles that are known to be good from tables, plain lines, BibTeX or RIS.

    Raises DataError, with file and line, for what cannot be read, and where there is no title.
    """
    titles: list[str] = []
    known: set[int] = set()
    blank = repeated = 0
    digest = hashlib.sha256()
    for path in paths:
        with open_table(path, encoding) as table:
            columns = text_columns(table.columns, text_column, table.name)
            for row in table:
                title = row_text(row, columns, table.name).strip()
                if is_blank(title):
                    blank += 1
                    continue
                mark = hash_of(title)
                if mark in known:
                    repeated += 1
                    continue
                known.add(mark)
                titles.append(title)
                digest.update(title.encode("utf-8", "surrogatepass") + b"\n")
    if not titles:
        blanks = f" ({blank} are blank)" if blank else ""
        raise DataError(f"{', '.join(paths)}: no title{blanks}; expected good titles, one a row")
    if blank or repeated:
        log.info(
            "%s: %d titles; left out: %d blank, %d that repeat another but for case and "
            "punctuation", ", ".join(paths), len(titles), blank, repeated,
        )  # fmt: skip
    return Good(titles, list(paths), blank, repeated, digest.hexdigest())


def count_rows(asked: int | None, good: Good | None) -> int:
    """Return how many rows to make; with good titles each gives one correct row at most."""
    if good is None:
        if asked is None:
            raise UsageError("--rows: how many? without --from any number can be made")
        return asked
    most = 2 * len(good.titles)
    if asked is not None and asked > most:
        raise UsageError(
            f"--rows {asked}: {', '.join(good.names)} has {len(good.titles):,} different titles, "
            f"each a correct row once with a wrong one beside it; expected at most {most}"
        )
    return asked or most
