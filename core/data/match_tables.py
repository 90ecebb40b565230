"""Labels for free: extracted titles joined with a catalogue's by a key, and written with labels."""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import unquote

from ..errors import DataError, UsageError
from ..libraries import is_installed
from .columns import is_blank, known_column, row_cell, text_columns
from .encoding import clip
from .labels import listed
from .match import CORRECT, UNSURE, WRONG, Rules, Verdict, judge
from .readers import Row, Table, open_table
from .writers import KINDS, check_target, progress_bar, row_writer, whole

ADDED = ("label", "distance", "catalogue_title", "label_reason")
_NO_KEY, _NO_SUCH_KEY = "no key", "no such key"

_DOI = re.compile(r"(?:(?:https?://)?(?:www\.|dx\.)?doi\.org/)?(?:doi:?\s*)?(10\.\d{4,9}/\S+)")


@dataclass(frozen=True)
class Join:
    """Two tables and what joins them: `on` is the key's column, or EXTRACTED=CATALOGUE.

    The columns of the titles are found by their usual names where they are "".
    """

    extracted: str
    catalogue: str
    on: str
    extracted_title: str = ""
    catalogue_title: str = ""


@dataclass
class Catalogue:
    """The titles of a catalogue by their key; a key's second and further ones stand apart."""

    titles: dict[str, str] = field(default_factory=dict)
    more: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0

    def add(self, key: str, title: str) -> None:
        """Keep a title."""
        if self.titles.setdefault(key, title) != title:
            self.more.setdefault(key, []).append(title)

    def judge(self, key: str, title: str, rules: Rules) -> Verdict:
        """Compare an extracted title with those of its key."""
        if key not in self.titles:
            return Verdict(UNSURE, None, "", _NO_SUCH_KEY if key else _NO_KEY)
        return judge(title, [self.titles[key], *self.more.get(key, ())], rules)


def label_file(
    join: Join, target: str | TextIO, rules: Rules, overwrite: bool = False
) -> dict[str, Any]:
    """Write the extracted table with label, distance, catalogue_title and label_reason appended.

    `target`: a csv, tsv or jsonl file for the rows that are correct or wrong; the unsure ones
    stand beside it in NAME.unsure.SUFFIX; both appear when they are whole. Or an open stream,
    which gets the first ones alone. Returns rows, correct, wrong, unsure, reasons (of the unsure
    rows), catalogue_rows, keys_with_several_titles, unsure_out and text_column ("" where a
    training finds it by its name). Raises DataError with file and line, and where no key fits.
    Memory: the catalogue's titles whose keys are asked for; all of them where the extracted titles
    come through a pipe.
    """
    if not is_installed("rapidfuzz"):
        raise UsageError('labels by a catalogue need rapidfuzz: pip install "titlekit[label]"')
    if join.extracted == join.catalogue == "-":
        raise UsageError("--extracted - and --catalogue -: only one of the two can be stdin")
    if isinstance(target, str):
        for path in (target, str(unsure_path(target))):
            for source in (join.extracted, join.catalogue):
                check_target(source, path, overwrite)
    known = _read_catalogue(join, _asked_keys(join) if os.path.isfile(join.extracted) else None)
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with open_table(join.extracted) as table, _writers(table, target) as write, progress_bar() as b:
        key_column, title_column = _columns(table, join, 0)
        for row in table:
            key = clean_key(row_cell(row, key_column, table.name))
            found = known.judge(key, row_cell(row, title_column, table.name), rules)
            write(row, found)
            counts[found.label] += 1
            reasons[found.reason] += found.label == UNSURE
            b.update()
        if counts.total() and reasons[_NO_KEY] + reasons[_NO_SUCH_KEY] == counts.total():
            raise DataError(_nothing_fits(join, table.name, key, known))
    return {
        "rows": counts.total(),
        **{label: counts[label] for label in (CORRECT, WRONG, UNSURE)},
        "reasons": {reason: n for reason, n in reasons.most_common() if n},
        "catalogue_rows": known.rows,
        "keys_with_several_titles": len(known.more),
        "unsure_out": str(unsure_path(target)) if isinstance(target, str) else None,
        "text_column": _to_name(table.columns, title_column),
    }


def unsure_path(target: str) -> Path:
    """Return the file of the unsure rows, beside that of the others."""
    path = Path(target)
    return path.with_name(f"{path.stem}.unsure{path.suffix}")


def clean_key(text: str) -> str:
    """Return a key without outer spaces and case; a DOI also without doi: and its address."""
    text = unicodedata.normalize("NFKC", text).strip().casefold()
    if is_blank(text):
        return ""
    found = _DOI.fullmatch(unquote(text) if "doi.org/" in text else text)
    return found[1].casefold() if found else text


def _asked_keys(join: Join) -> set[str]:
    with open_table(join.extracted) as table:
        column, _ = _columns(table, join, 0)
        return {clean_key(row_cell(row, column, table.name)) for row in table}


def _read_catalogue(join: Join, asked: Set[str] | None) -> Catalogue:
    """Return the titles of the keys that are asked for, None: of all keys."""
    found = Catalogue()
    with open_table(join.catalogue) as table:
        key_column, title_column = _columns(table, join, 1)
        for row in table:
            found.rows += 1
            key = clean_key(row_cell(row, key_column, table.name))
            if key and (asked is None or key in asked):
                found.add(key, row_cell(row, title_column, table.name))
    return found


def _columns(table: Table, join: Join, side: int) -> tuple[str, str]:
    """Return the columns of the key and of the title; `side` 0: extracted, 1: catalogue."""
    halves = join.on.split("=")
    both = join.on in table.columns or len(halves) != 2
    key = _key_column(table, join.on if both else halves[side].strip())
    title, flag = (
        (join.catalogue_title, "--catalogue-title")
        if side
        else (join.extracted_title, "--extracted-title")
    )
    if title:
        return key, known_column(table.columns, title, table.name)
    try:
        return key, text_columns(table.columns, "", table.name, key)[0]
    except DataError:
        raise DataError(
            f"{table.name}: which column is the title? name it with {flag} "
            f"(columns: {listed(table.columns)})"
        ) from None


def _key_column(table: Table, asked: str) -> str:
    if asked in table.columns:
        return asked
    same = [one for one in table.columns if one.strip().casefold() == asked.strip().casefold()]
    if len(same) == 1:
        return same[0]
    # The error of a column that is not there; --on left=right where the names differ.
    return known_column(table.columns, asked or "--on", table.name)


@contextlib.contextmanager
def _writers(table: Table, target: str | TextIO) -> Iterator[Callable[[Row, Verdict], None]]:
    """Open what is written; give a function that writes a row where its verdict says."""
    with contextlib.ExitStack() as stack:
        if isinstance(target, str):
            kind = KINDS[Path(target).suffix.lower()]
            paths = (Path(target), unsure_path(target))
            streams = [stack.enter_context(whole(path)) for path in paths]
        else:
            kind, streams = table.kind if table.kind in KINDS.values() else "csv", [target]
        writers = [row_writer(one, kind, table, ADDED, "data label") for one in streams]

        def write(row: Row, found: Verdict) -> None:
            place = int(found.label == UNSURE)
            if place < len(writers):
                cells = (found.label, found.distance, found.title, found.reason)
                writers[place](row, cells)

        yield write


def _to_name(columns: Sequence[str], title: str) -> str:
    """Return the title's column where a training has to be told it."""
    try:
        found = text_columns([*columns, *ADDED], "", "", ADDED[0])
    except DataError:
        return title
    return "" if found == [title] else title


def _nothing_fits(join: Join, name: str, key: str, known: Catalogue) -> str:
    return (
        f"{name}: none of its keys is in {join.catalogue}, which has {known.rows:,} rows "
        f"(a key that was looked for: {clip(key)}); --on NAME, or --on EXTRACTED=CATALOGUE, names "
        "the columns of the same key"
    )
