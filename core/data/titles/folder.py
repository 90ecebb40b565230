"""A folder of made titles: a table, and a page that says how it was made; whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ..writers import csv_writer, progress_bar
from .faults import CORRECT
from .good import Good
from .maker import KINDS, Made

TABLE, PAGE = "titles.csv", "README.md"
COLUMNS = ("title", "label", "kind")


def check_folder(out: str) -> Path:
    """Return the folder to be made; UsageError for one that holds something already."""
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {out}: that is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"--out {out} exists and is not empty; choose another folder")
    if not folder.resolve().parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {str(folder.parent)!r}")
    return folder


def write_titles(
    folder: Path, rows: Iterable[Made], total: int, told: dict[str, Any], good: Good | None
) -> dict[str, Any]:
    """Write rows one by one into a new folder; return what was written, ready for JSON.

    `told`: what its page says first, e.g. the seed. Nothing is left where that fails.
    """
    place = folder.resolve()
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    beside.mkdir()
    try:
        kinds, sha256 = _write_table(beside / TABLE, rows, total)
        counts = {kind: kinds[kind] for kind in (CORRECT, *KINDS) if kinds[kind]}
        found = {**told, "rows": kinds.total(), "kinds": counts, "sha256": sha256}
        page = _page(found, good)
        (beside / PAGE).write_text(page, encoding="utf-8", errors="backslashreplace", newline="\n")
        if place.exists():
            place.rmdir()  # empty: not every system renames onto a folder
        os.replace(beside, place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return {"out": str(folder / TABLE), **found}


class _Digest:
    """A text file that is hashed as it is written."""

    def __init__(self, path: Path) -> None:
        self.stream = path.open("wb", buffering=1 << 20)
        self.sha256 = hashlib.sha256()

    def write(self, text: str) -> int:
        """Write as UTF-8; half a surrogate pair is written as it is spelled in JSON."""
        content = text.encode("utf-8", "backslashreplace")
        self.sha256.update(content)
        return self.stream.write(content)


def _write_table(path: Path, rows: Iterable[Made], total: int) -> tuple[Counter[str], str]:
    kinds: Counter[str] = Counter()
    target = _Digest(path)
    with target.stream, progress_bar(total) as bar:
        write = csv_writer(target)  # type: ignore[arg-type]  # all that csv asks for is write
        write(COLUMNS)
        for row in rows:
            write(row)
            kinds[row.kind] += 1
            bar.update()
    return kinds, target.sha256.hexdigest()


def _page(found: dict[str, Any], good: Good | None) -> str:
    rows = found["rows"]
    source = "a grammar: no title is a real one"
    if good is not None:
        source = f"{', '.join(good.names)}: {len(good.titles):,} good titles (sha256 {good.sha256})"
    lines = [
        "# Made titles",
        "",
        f"`{TABLE}` has {rows:,} rows with the columns {', '.join(COLUMNS)}. titlekit "
        f"{found['titlekit']} made them with seed {found['seed']} from {source}.",
        "",
        f"sha256 of `{TABLE}`: {found['sha256']}",
        "",
        "| kind | rows | share |",
        "| --- | --- | --- |",
    ]
    for kind, count in found["kinds"].items():
        lines.append(f"| {kind} | {count:,} | {100 * count / rows:.1f} % |")
    return "\n".join(lines) + "\n"
