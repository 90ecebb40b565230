"""A run's folder: where it is, who may write in it, and the files that are not weights."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import UsageError

STATE = "checkpoints/last.safetensors"
SERIES = "series.json"  # in the folder of several runs
BAG = "baseline.json"  # in the folder of a run without an encoder

_RUN_NAME = re.compile(r"fold-\d+|(fold-\d+-)?seed-\d+")


def choose(out: str, overwrite: bool) -> Path:
    """Return the folder a new run shall have; nothing is created or deleted yet."""
    if not out:
        number = 1
        while (folder := Path("runs") / f"{number:03d}").exists():
            number += 1
        return folder
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {out}: that is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise UsageError(
                f"--out {out} exists and is not empty; choose another folder, continue that run "
                f"with --resume {out}, or replace it with --overwrite"
            )
        if not any((folder / name).is_file() for name in ("run.json", SERIES)):
            raise UsageError(
                f"--out {out} is not the folder of a run (no run.json), so --overwrite deletes "
                "nothing; choose another folder"
            )
    return folder


def create(folder: Path, overwrite: bool) -> Path:
    """Make the folder, empty; a number taken meanwhile by another run moves on to the next."""
    while True:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if overwrite or not any(folder.iterdir()):
                break
            if folder.parent != Path("runs"):
                raise UsageError(f"--out {folder} exists and is not empty") from None
            folder = choose("", False)
    with locked(folder):
        clear(folder)
    return folder


def clear(folder: Path) -> None:
    """Delete what is in a folder that this process has locked."""
    for path in folder.iterdir():
        if path.name == ".lock":
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one writer; the system lets go of it when the process ends."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(
            f"{folder} is being written by another titlekit; wait for it, or choose another --out"
        ) from None
    try:
        yield
    finally:
        (folder / ".lock").unlink(missing_ok=True)
        lock.release()


def check_room(folder: Path, parameters: int, extra: int, models: int = 1) -> None:
    """Refuse a disk that cannot hold the run: state, best weights twice, and the model.

    `parameters` of the model in float32, `extra` further tensors of that size in plugins' states,
    `models` that are kept in the end.
    """
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    # State: weights and two moments, and the old one until the new one is whole.
    needed = 4 * parameters * (2 * (3 + extra) + 2 + models)
    if free < needed:
        raise UsageError(
            f"--out {folder}: {free / 1e6:,.0f} MB are free there and the run needs about "
            f"{needed / 1e6:,.0f} MB; make room or choose another --out"
        )


def write_json(path: Path, value: Any) -> None:
    """Write JSON under a temporary name and rename it; NaN and infinities become null."""
    write_text(path, json.dumps(finite(value), indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, refusing anything else in one line."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path.parent}: no {path.name} there; expected the folder of a run"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{path}: expected a JSON object")
    return value


def runs_in(folder: Path) -> list[Path] | None:
    """Return the folders of a finished series of runs; None for a folder that is no series."""
    if not (folder / SERIES).is_file():
        return None
    described = read_json(folder / SERIES)
    if described.get("status") != "finished":
        raise UsageError(
            f"{folder}: these runs are not finished; continue them: titlekit train --resume "
            f"{folder}"
        )
    names = described.get("runs")
    found = list(names) if isinstance(names, dict) else []
    if not found or not all(_RUN_NAME.fullmatch(name) for name in found):
        raise UsageError(
            f"{folder / SERIES} is not as titlekit wrote it: runs: expected an object of runs, "
            "e.g. fold-1"
        )
    return [folder / name for name in found]


class Records:
    """metrics.jsonl: one JSON object a line, what follows a resumed step cut away first."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        kept = []
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                # A kill can leave half a line; it belongs to a step that is done again.
                with contextlib.suppress(ValueError):
                    if json.loads(line)["step"] <= step:
                        kept.append(line + "\n")
        write_text(path, "".join(kept))

    def add(self, record: dict[str, Any]) -> None:
        """Append one record."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(finite(record), ensure_ascii=False) + "\n")


def finite(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinities are None, keys are texts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
