"""A result file: what it was measured on, and rows that are not measured twice."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from titlekit.core.data.load import TrainingData
from titlekit.core.run_folder import write_json

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("titlekit", "numpy", "scipy", "scikit-learn", "torch", "transformers")


class Record:
    """benchmarks/results/NAME.json, written anew after each row, so that a stopped run goes on."""

    def __init__(self, name: str, about: dict[str, Any]) -> None:
        self.path = RESULTS / f"{name}.json"
        self.about = {**about, "machine": machine()}
        self.rows: list[dict[str, Any]] = []
        if self.path.is_file():
            kept = json.loads(self.path.read_text("utf-8"))
            if kept["data"] != about["data"]:
                raise SystemExit(f"{self.path} is of other data; move it away to begin anew")
            self.rows = kept["rows"]

    def has(self, **key: Any) -> bool:
        """Return whether there is a row with these values."""
        return any(all(row.get(k) == v for k, v in key.items()) for row in self.rows)

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row, and say it."""
        self.rows.append(row)
        write_json(self.path, {**self.about, "rows": self.rows})
        print(", ".join(f"{k} {v}" for k, v in row.items()), flush=True)


def about(command: str, data: TrainingData) -> dict[str, Any]:
    """Return what a file of figures on the training rows of a table begins with."""
    rows = {"rows": len(data.train), "sha256": data.train.sha256}
    return {"command": command, "data": rows}


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the data."""
    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in PACKAGES},
        },
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    named = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
