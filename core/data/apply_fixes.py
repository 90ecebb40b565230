"""Data written anew with some labels mended and some rows left out; all else stays as it is."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import DataError, UsageError
from .columns import is_blank, row_cell, row_text
from .files import unpacked_name
from .fixes import Fixes, read_fixes
from .folder import test_file, title_files
from .labels import FOLDER_LABELS, listed, natural_order
from .readers import Row, kind_of, open_table
from .tables import Columns, resolve
from .textfiles import open_text, read_lines
from .writers import KINDS, check_target, row_writer, whole

_COMMAND = "titlekit data apply-fixes"


def apply_fixes(
    suspects: str,
    data: Sequence[str],
    out: str,
    *,
    text_column: str = "",
    label_column: str = "",
    encoding: str = "",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write `data` to `out` with the fixes of a table of suspects; return what was done.

    Of a folder with positive.txt and negative.txt, and of several tables, `out` is a folder; of a
    table it is a csv, tsv or jsonl. Nothing is written before every fix was found to fit. Raises
    DataError for a row whose text or label is not what it was, and for a fix that is no label.
    """
    folders = [path for path in data if os.path.isdir(path)]
    if folders and len(data) > 1:
        raise UsageError(f"{folders[0]}: a folder stands alone; give files, or one folder")
    if folders:
        return _apply_to_folder(suspects, folders[0], Path(out), encoding, overwrite)
    if "-" in data:
        raise UsageError("the data are read twice: give a file, not standard input")
    targets = _targets(data, out, overwrite)
    fixes = read_fixes(suspects, data)
    columns, known = _checked(fixes, data, text_column, label_column, encoding)
    rows = 0
    with contextlib.ExitStack() as stack:
        for path, target in targets.items():
            stream = stack.enter_context(whole(target))
            kind = KINDS[target.suffix.lower()]
            with open_table(path, encoding) as table:
                write = row_writer(stream, kind, table, (), _COMMAND)
                for row in table:
                    rows += 1
                    kept = _mended(row, path, columns[path].label, fixes, known)
                    if kept is not None:
                        write(kept, ())
    return {**fixes.summary(rows), "out": out}


def _mended(row: Row, path: str, column: str, fixes: Fixes, known: dict[str, Any]) -> Row | None:
    """Return a row as it shall be, None where it is dropped.

    `known`: label -> its value as the data have it, which in a jsonl may be a number.
    """
    label = row_cell(row, column, path).strip()
    new = fixes.take(path, row.line, label, list(known))
    if new is None:
        return None
    if new == label:
        return row
    value = new if isinstance(row.values[column], str) else known[new]
    return Row(row.line, {**row.values, column: value})


def _checked(
    fixes: Fixes, data: Sequence[str], text: str, label: str, encoding: str
) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Read the tables once and hold every fix to its row; return columns, and values by label."""
    found: dict[str, Columns] = {}
    values: dict[str, Any] = {}
    for path in data:
        with open_table(path, encoding) as table:
            columns = found[path] = resolve(table, text, label, "")
            for row in table:
                named = row_cell(row, columns.label, path).strip()
                if not is_blank(named):
                    values.setdefault(named, row.values[columns.label])
                    fixes.check(path, row.line, row_text(row, columns.text, path), named)
    known = {label: values[label] for label in natural_order(values)}
    fixes.check_all(list(known))
    return found, known


def _targets(data: Sequence[str], out: str, overwrite: bool) -> dict[str, Path]:
    """Return where each table goes; one goes to `out`, several into that folder."""
    if len(data) == 1:
        _check_target(data[0], out, overwrite)
        return {data[0]: Path(out)}
    names = {path: _csv_name(path) for path in data}
    if len(set(names.values())) < len(names):
        raise UsageError(f"two tables of one name would be one file: {listed(list(data))}")
    _check_folder(Path(out), overwrite)
    targets = {path: Path(out) / name for path, name in names.items()}
    for path, target in targets.items():
        if target.exists():
            _check_target(path, str(target), overwrite)
    Path(out).mkdir(exist_ok=True)
    return targets


def _check_target(path: str, target: str, overwrite: bool) -> None:
    """Refuse a place that is taken; with --overwrite the data itself may be replaced."""
    if os.path.exists(path) and os.path.exists(target) and os.path.samefile(path, target):
        if not overwrite:
            raise UsageError(f"-o {target} is the data itself; --overwrite replaces it")
        if Path(target).suffix.lower() in KINDS:
            return
    check_target(path, target, overwrite)


def _check_folder(out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"-o {out}: expected a folder, that is a file")
    if not out.parent.is_dir():
        raise UsageError(f"-o {out}: there is no folder {str(out.parent)!r}")
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise UsageError(
            f"-o {out} exists and is not empty; choose another folder, or write into it with "
            "--overwrite"
        )


def _csv_name(path: str) -> str:
    name = unpacked_name(os.path.basename(path))
    if Path(name).suffix.lower() in KINDS:
        return name
    kind = kind_of(name)
    return f"{Path(name).stem}.{kind if kind in KINDS.values() else 'csv'}"


def _apply_to_folder(
    suspects: str, data: str, out: Path, encoding: str, overwrite: bool
) -> dict[str, Any]:
    """Write positive.txt and negative.txt; a title that moves stands at the end of its new file."""
    same = out.exists() and os.path.samefile(data, out)
    if same and not overwrite:
        raise UsageError(f"-o {out} is the data itself; --overwrite replaces it")
    _check_folder(out, overwrite)
    files = title_files(data)
    fixes = read_fixes(suspects, [file for _, file in files])
    for label, file in files:
        for line, title in _titles(file, encoding):
            if not is_blank(title):
                fixes.check(file, line, title, label)
    fixes.check_all(FOLDER_LABELS)
    moved: dict[str, list[str]] = {label: [] for label in FOLDER_LABELS}
    rows = 0
    out.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        streams = {
            label: stack.enter_context(whole(out / _txt_name(label, file, same)))
            for label, file in files
        }
        for label, file in files:
            for line, title in _titles(file, encoding):
                rows += 1
                new = fixes.take(file, line, label, FOLDER_LABELS)
                if new == label:
                    streams[label].write(f"{title}\n")
                elif new is not None:
                    moved[new].append(title)
        for label, titles in moved.items():
            streams[label].writelines(f"{title}\n" for title in titles)
    test = test_file(data)
    if test and not same:
        shutil.copyfile(test, out / os.path.basename(test))
    return {**fixes.summary(rows), "out": str(out)}


def _txt_name(label: str, file: str, same: bool) -> str:
    """Return the name of a file of titles: that of the data where it is replaced."""
    if not same:
        return "positive.txt" if label == "correct" else "negative.txt"
    if unpacked_name(file) != file:
        raise DataError(f"{file} is packed; name another folder with -o")
    return os.path.basename(file)


def _titles(file: str, encoding: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line."""
    with open_text(file, encoding, newline="\n") as stream:
        for line, text in enumerate(read_lines(stream, file), 1):
            yield line, text.rstrip("\r\n")
