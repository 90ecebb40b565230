"""The folder layout: positive.txt and negative.txt, a title a line, and a test table."""

from __future__ import annotations

import os

from ..errors import DataError
from .columns import is_blank
from .dataset import Rows
from .files import unpacked_name
from .labels import listed, natural_order
from .readers import UNLABELLED, kind_of
from .repair import Damage
from .textfiles import open_text, read_lines


def title_files(path: str) -> list[tuple[str, str]]:
    """Return (label, file) of the correct and of the wrong titles in a folder.

    NAME.txt is taken before NAME_train.txt, that before a single NAME*.txt; each may be packed
    (.gz, .bz2, .xz). Raises DataError that says what is there.
    """
    names = _names(path)
    found = []
    for label, stem in (("correct", "positive"), ("wrong", "negative")):
        fitting = [
            name for name in names if name.lower().startswith(stem) and kind_of(name) == "txt"
        ]
        exact = [
            [name for name in fitting if unpacked_name(name).lower() == wanted]
            for wanted in (f"{stem}.txt", f"{stem}_train.txt")
        ]
        chosen = exact[0] or exact[1] or fitting
        if not chosen:
            raise DataError(
                f"{path}: no {stem}.txt or {stem}_train.txt; a folder of training data holds "
                f"positive.txt and negative.txt, this one holds {listed(names) or 'nothing'}"
            )
        if len(chosen) > 1:
            raise DataError(f"{path}: expected one {stem}.txt, found {listed(chosen)}")
        found.append((label, os.path.join(path, chosen[0])))
    return found


def read_titles(path: str, encoding: str = "", blank: str = "skip", fix_text: bool = False) -> Rows:
    """Return the titles of a folder with the labels correct and wrong, correct ones first.

    Damaged ones are reported, and mended with `fix_text`.
    """
    rows = Rows()
    for label, name in title_files(path):
        rows.begin(name)
        damage = Damage(name, fix_text)
        # Only a line feed ends a title: damaged ones hold stray carriage returns.
        with open_text(name, encoding, newline="\n") as stream:
            for line, text in enumerate(read_lines(stream, name), 1):
                title = damage.take(text.rstrip("\r\n"), line)
                if not is_blank(title):
                    rows.texts.append(title)
                    rows.labels.append(label)
                    rows.lines.append(line)
                elif blank == "error":
                    raise DataError(f"{name}:{line}: blank text (--blank skip leaves it out)")
                else:
                    rows.add_blank(label, line)
        damage.report()
    return rows


def test_file(path: str) -> str | None:
    """Return the test table (test*.csv, .xlsx or another kind of table) of a folder, else None.

    None for a file too. Raises DataError where a folder has several.
    """
    if not os.path.isdir(path):
        return None
    found = [
        name
        for name in _names(path)
        if name.lower().startswith("test") and kind_of(name) not in ("", *UNLABELLED)
    ]
    if len(found) > 1:
        raise DataError(f"{path}: several test files, name one of them: {listed(found)}")
    return os.path.join(path, found[0]) if found else None


def _names(path: str) -> list[str]:
    try:
        return natural_order(os.listdir(path))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
