"""What run.json says of a run before its results, and the command line that repeats it."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from .config import TrainConfig, flag
from .data.load import Dataset, TrainingData
from .options import options_of
from .prepare import Job


def describe(job: Job, status: str) -> dict[str, Any]:
    """Return run.json as far as it is known before the results."""
    config, run = job.config, job.trainer.run
    versions = {"python": platform.python_version()}
    for package in ("torch", "transformers", "tokenizers", "numpy", "scikit-learn"):
        versions[package] = metadata.version(package)
    for point in metadata.entry_points(group="titlekit.plugins"):
        if point.dist and any(point.name == plugin.name for plugin in job.plugins):
            versions[point.dist.name] = point.dist.version
    return {
        "titlekit": metadata.version("titlekit"),
        "status": status,
        "command": command_line(config),
        "options": describe_options(config, job.origins),
        "plugins": {"spelling": config.plugins, "code": job.code},
        "model": {
            "asked": job.found.asked, "source": job.found.source, "revision": job.found.revision,
            "parameters": sum(p.numel() for p in run.model.parameters()),
        },
        "input": {
            "max_length": job.encoder.max_length, "truncation": job.encoder.truncation,
            "text_columns": job.data.text_columns, "pair_column": job.data.pair_column,
            "label_column": job.data.label_column, "positive": job.data.positive,
            "fix_text": config.fix_text,
        },
        "labels": job.data.labels,
        "data": describe_data(job.data),
        "steps": {"total": run.total_steps, "per_epoch": run.steps_per_epoch},
        "versions": versions,
        "machine": {
            "platform": platform.platform(), "processor": platform.machine(),
            "device": str(run.device), "precision": run.precision.name,
            "threads": _threads(),
        },
    }  # fmt: skip


def describe_options(config: TrainConfig, origins: Mapping[str, str]) -> dict[str, Any]:
    """Return every option's value, and where it came from."""
    return {
        name: {"value": getattr(config, name), "from": origins.get(name, "default")}
        for name in options_of(TrainConfig)
    }


def describe_data(data: TrainingData) -> dict[str, Any]:
    """Return name, number, classes and hash of the rows of each set."""
    sets = {"train": data.train, "validation": data.valid, "fold": data.fold}
    return {
        name: _describe_rows(rows, data.labels) for name, rows in sets.items() if rows is not None
    }


def _describe_rows(rows: Dataset, labels: list[str]) -> dict[str, Any]:
    counts = {label: int((rows.labels == i).sum()) for i, label in enumerate(labels)}
    return {
        "name": rows.name, "rows": len(rows.texts), "sha256": rows.sha256,
        "class_counts": counts, "blank_rows": len(rows.blank_lines),
    }  # fmt: skip


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def command_line(config: TrainConfig) -> str:
    """Return the ``titlekit train`` line that repeats a run."""
    words = ["titlekit", "train", *config.train]
    plain = TrainConfig()
    for name in options_of(TrainConfig):
        value = getattr(config, name)
        if name in ("train", "out") or value == getattr(plain, name) or value is None:
            continue
        words += [flag(name)] if value is True else [flag(name), str(value)]
    return shlex.join(words)
