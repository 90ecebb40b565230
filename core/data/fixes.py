"""Labels mended as a person filled them in: a table of suspects, read back and checked."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import DataError, nearest
from .columns import is_blank, row_cell
from .encoding import clip
from .labels import label_index, listed
from .readers import open_table
from .repair import mend

DROP, OK = "drop", "ok"
COLUMNS = ("line", "text", "label", "fix")


@dataclasses.dataclass(frozen=True)
class Fix:
    """What is to be done with one row, and the row as it was when it was looked at."""

    place: str  # of the fix, for messages: FILE:LINE
    file: str  # "" where the rows come from one file
    line: int
    text: str
    label: str
    fix: str


@dataclasses.dataclass
class Fixes:
    """The fixes of some rows, and what was done with them."""

    name: str
    by_row: dict[tuple[str, int], Fix]  # file's key and line
    rows: int  # of the table of suspects
    met: set[tuple[str, int]] = dataclasses.field(default_factory=set)
    counts: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)  # from, to

    def check(self, file: str, line: int, text: str, label: str) -> None:
        """Refuse a fix of a row that is not what it was; remember that the row is there."""
        fix = self.by_row.get((file, line))
        if fix is None:
            return
        if fix.text not in (text, mend(text)):
            raise DataError(
                f"{fix.place}: the text at line {line} is now {clip(text)}, not {clip(fix.text)}; "
                "look for suspects again"
            )
        if label != fix.label:
            raise DataError(
                f"{fix.place}: the label at line {line} is now {clip(label)}, not "
                f"{clip(fix.label)}; look for suspects again"
            )
        self.met.add((file, line))

    def check_all(self, labels: Sequence[str]) -> None:
        """Refuse a fix whose row is not there, and one that is no label, drop or ok."""
        for row, fix in self.by_row.items():
            if row not in self.met:
                raise DataError(
                    f"{fix.place}: no row with a label begins at line {fix.line} of the data; look "
                    "for suspects again"
                )
            self.action(fix, labels)

    def action(self, fix: Fix, labels: Sequence[str]) -> str | None:
        """Return the label that a fix gives its row, None where it drops it; a label comes first.

        Raises DataError for what is neither a label nor drop nor ok.
        """
        number = label_index(fix.fix, labels)
        if number is not None:
            return labels[number]
        word = fix.fix.lower()
        if word == OK:
            return fix.label
        if word == DROP:
            return None
        raise DataError(
            f"{fix.place}: column 'fix': expected a label, drop, ok or nothing, got "
            f"{clip(fix.fix)}{nearest(fix.fix, [*labels, DROP, OK])} (labels: {listed(labels)})"
        )

    def take(self, file: str, line: int, label: str, labels: Sequence[str]) -> str | None:
        """Return the label that a row shall have, None where it is dropped; count what changes."""
        fix = self.by_row.get((file, line))
        if fix is None:
            return label
        new = self.action(fix, labels)
        self.counts[label, "" if new is None else new] += 1
        return new

    def summary(self, rows: int) -> dict[str, Any]:
        """Return what was done with `rows` rows: numbers by what they became."""
        changed = {
            f"{old} -> {new}": count
            for (old, new), count in sorted(self.counts.items())
            if new and new != old
        }
        dropped = sum(count for (_, new), count in self.counts.items() if not new)
        return {
            "rows": rows, "relabelled": sum(changed.values()), "changes": changed,
            "dropped": dropped, "confirmed": len(self.by_row) - sum(changed.values()) - dropped,
            "not_filled_in": self.rows - len(self.by_row), "rows_written": rows - dropped,
        }  # fmt: skip


def read_fixes(path: str, files: Sequence[str]) -> Fixes:
    """Read the rows of a table of suspects whose column fix is filled in.

    `files` are those of the data. Raises DataError for two fixes of one row that differ, and for
    a row of a file that is not among them.
    """
    found: dict[tuple[str, int], Fix] = {}
    rows = 0
    for fix in _filled(path):
        rows += 1
        if is_blank(fix.fix):
            continue
        row = key_of(fix.file, files, fix.place), fix.line
        known = found.setdefault(row, fix)
        if known.fix != fix.fix:
            raise DataError(
                f"{fix.place}: line {fix.line} shall be {clip(fix.fix)} here and "
                f"{clip(known.fix)} in {known.place}; expected one fix of a row"
            )
    return Fixes(path, found, rows)


def key_of(file: str, files: Sequence[str], place: str) -> str:
    """Return the one of the data's files that a table of suspects means: by path, else by name."""
    if not file and len(files) == 1:
        return files[0]
    if not file:
        raise DataError(f"{place}: no column 'file', and the data are several: {listed(files)}")
    exact = [one for one in files if os.path.realpath(one) == os.path.realpath(file)]
    named = exact or [one for one in files if os.path.basename(one) == os.path.basename(file)]
    if len(named) != 1:
        raise DataError(
            f"{place}: column 'file': {clip(file)} is not among the data"
            f"{nearest(file, files)} (files: {listed(files)})"
        )
    return named[0]


def _filled(path: str) -> Iterator[Fix]:
    with open_table(path) as table:
        for name in COLUMNS:
            if name not in table.columns:
                raise DataError(
                    f"{path}: no column {name!r}; expected the file that titlekit check --suspects "
                    f"wrote (columns: {listed(table.columns)})"
                )
        for row in table:
            cells = {name: row_cell(row, name, path) for name in COLUMNS}
            file = row_cell(row, "file", path) if "file" in table.columns else ""
            place, line = f"{path}:{row.line}", cells["line"].strip()
            if not line.isdecimal():
                raise DataError(
                    f"{place}: column 'line': expected a line's number, got {clip(line)}"
                )
            yield Fix(
                place, file, int(line), cells["text"], cells["label"].strip(), cells["fix"].strip()
            )
