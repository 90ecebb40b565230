"""A run's int8 form, exported once into the run's own folder and used again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..run_folder import read_json, runs_in
from .decision import Decision
from .export import SCHEMA, Wanted, export_run
from .identity import file_sha256
from .onnx import read_export
from .predictor import GRAPH, read_input


def quantised(runs: Sequence[str | Path], quantize: str, offline: bool = False) -> list[Path]:
    """Return the folders of the runs' quantised forms, exporting those that are not there.

    Each is RUN/onnx-int8, checked on the run's validation rows as `titlekit export` does, and made
    anew when the run's weights or its decision are others. A folder that was exported so already
    stands for itself. UsageError for a model that is no run's: it has no rows to be checked on.
    """
    wanted = Wanted(quantize=quantize)
    places: list[Path] = []
    for run in runs:
        for path in runs_in(Path(run)) or [Path(run)]:
            places.append(path if _exported_so(path, wanted) else _made(path, wanted, offline))
    return places


def _made(run: Path, wanted: Wanted, offline: bool) -> Path:
    place = run / wanted.folder
    if not (run / "run.json").is_file():
        raise UsageError(
            f"--quantize {wanted.quantize}: {run} is no run's folder, so it has no rows to compare "
            f"on; export it first: titlekit export {run} --quantize {wanted.quantize} --rows FILE"
        )
    if not _is_fresh(run, place, wanted):
        with _alone(place):
            if not _is_fresh(run, place, wanted):
                export_run(run, place, wanted, overwrite=True, offline=offline)
    return place


def _exported_so(path: Path, wanted: Wanted) -> bool:
    """Return whether a folder holds what is wanted; UsageError for another export."""
    if not (path / GRAPH).is_file():
        return False
    told = read_export(path).get("exported", {})
    if told and told.get("quantize") != wanted.quantize:
        raise UsageError(
            f"--quantize {wanted.quantize}: {path} was exported in float32; name the run that it "
            "came from"
        )
    return True


def _is_fresh(run: Path, place: Path, wanted: Wanted) -> bool:
    told = read_export(place)
    if not told or not (place / GRAPH).is_file() or not (run / "config.json").is_file():
        return False
    asked = json.loads(json.dumps(dataclasses.asdict(wanted)))
    kept = {name: told.get("exported", {}).get(name) for name in asked}
    same = told.get("schema") == SCHEMA and kept == asked
    return same and told.get("source") == _source(run)


def _source(run: Path) -> dict[str, Any]:
    """Return what `describe_source` says of a run, without loading its model."""
    labels = [str(name) for name in read_json(run / "config.json").get("id2label", {}).values()]
    told = read_input(run, labels)
    found = {
        "sha256": file_sha256(*sorted(run.glob("*.safetensors"))),
        "decision": dataclasses.asdict(Decision.read(run)),
        "input": None if told is None else dataclasses.asdict(told),
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one process export at a time; the next one then finds what it needs."""
    from filelock import FileLock

    path = place.with_name(f".{place.name}.lock")
    try:
        with FileLock(path):
            yield
    finally:
        path.unlink(missing_ok=True)
