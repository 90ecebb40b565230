"""FILE.json beside a file of answers: what answered, what was asked, and what came of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..data.readers import Table
from ..errors import UsageError
from ..run_folder import finite
from .chunks import write_safely
from .identity import describe_input, describe_model, file_sha256, members, versions
from .reuse import Reusing

# What the bytes of the answers depend on: a part that says otherwise is not gone on with.
BYTES = ("input", "model", "decision", "options", "versions")


def sidecar_of(target: str) -> Path:
    """Return where the page beside a file of answers stands."""
    return Path(f"{target}.json")


def check_sidecar(target: str, overwrite: bool) -> None:
    """Refuse a target beside which a file of someone else's has the sidecar's name."""
    path = sidecar_of(target)
    if not path.exists() or overwrite:
        return
    try:
        ours = "titlekit" in json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        ours = False
    if not ours:
        raise UsageError(
            f"-o {target}: {path} is there, where what was done is written down; choose another "
            "name, or replace it with --overwrite"
        )


def describe_job(
    scores: Reusing, table: Table, target: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a job is made of, before a row is read; the input's sha256 comes with it."""
    read: dict[str, Any] = describe_input(table.path) if table.path else {"path": None}
    if table.path:
        read["sha256"] = file_sha256(Path(table.path))
    parquet = ("pyarrow",) if "parquet" in (table.kind, target.rpartition(".")[2].lower()) else ()
    return {
        "input": {"name": table.name, "kind": table.kind, "encoding": table.codec or None, **read},
        "models": [describe_model(member) for member in members(scores.by)],
        "model": scores.digest,
        "decision": dataclasses.asdict(scores.decision),
        "labels": scores.labels,
        "positive": scores.positive,
        "options": dict(options),
        "versions": versions(scores.by, parquet),
        "device": str(scores.by.device),
    }


def resumable(job: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the part of a job that says which bytes come out; None where it cannot go on."""
    if job["input"]["path"] is None:
        return None
    return {**{name: job[name] for name in BYTES}, "device": job["device"]}


def write_sidecar(
    target: str, size: int, job: Mapping[str, Any], counts: Mapping[str, Any]
) -> None:
    """Write down what a file of `size` bytes holds that is about to appear under its name."""
    told = {"titlekit": job["versions"]["titlekit"], "out": {"name": Path(target).name,
            "bytes": size}, **job, **counts}  # fmt: skip
    text = json.dumps(finite(told), indent=2, ensure_ascii=False)
    write_safely(sidecar_of(target), text + "\n")
