"""A baseline's run: fitted in memory, then written as a folder that the other commands read."""

from __future__ import annotations

import dataclasses
import logging
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import BASELINE, TrainConfig, resolve_paths, write_toml
from ..data.load import TrainingData
from ..describe import command_line, describe_data, describe_options
from ..hooks.plugin import Plugin
from ..inference.decision import Decision
from ..run_folder import create, locked, read_json, write_json, write_text
from .card import card
from .fit import Fitted, Settings, fit
from .job import BaselineJob, prepare_baseline

if TYPE_CHECKING:
    from ..single import Ended

log = logging.getLogger("titlekit")

SOURCE = "TF-IDF of words and characters, logistic regression"


def run_baseline(job: BaselineJob, folder: Path, overwrite: bool, warnings: list[str]) -> Ended:
    """Fit a job, then write its new folder: what cannot be fitted leaves an old one alone."""
    fitted = fit_told(job)
    folder = create(folder, overwrite)
    with locked(folder):
        kept = dataclasses.replace(resolve_paths(job.config), out=str(folder))
        return _write(dataclasses.replace(job, config=kept), fitted, folder, warnings)


def go_on_with_baseline(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    folder: Path,
    data: TrainingData | None,
) -> Ended:
    """Fit a run again whose folder was not written to its end; the same bytes come out."""
    from ..single import kept_warnings, origins_in, refuse_other_rows

    described = read_json(folder / "run.json")
    origins = {**origins, **origins_in(folder, described)}
    with locked(folder), kept_warnings() as warnings:
        job = prepare_baseline(config, origins, plugins, data)
        refuse_other_rows(folder, described, describe_data(job.data))
        return _write(job, fit_told(job), folder, warnings)


def fit_told(job: BaselineJob) -> Fitted:
    """Fit a job's training rows, and say what was found."""
    fitted = fit(job.data.train, job.data.labels)
    log.info(
        "%s n-grams; the regression took %d steps; %.1f seconds in all",
        f"{_width(fitted):,}", fitted.steps, fitted.seconds,
    )  # fmt: skip
    return fitted


def describe_baseline(job: BaselineJob, fitted: Fitted) -> dict[str, Any]:
    """Return run.json as far as it is known before the results."""
    packages = ("numpy", "scipy", "scikit-learn")
    versions = {name: metadata.version(name) for name in packages}
    return {
        "titlekit": metadata.version("titlekit"),
        "status": "running",
        "command": command_line(job.config),
        "options": describe_options(job.config, job.origins),
        "plugins": {"spelling": "", "code": {}, "counters": {}},
        "model": {
            "asked": BASELINE, "source": SOURCE, "revision": "",
            "parameters": fitted.bag.coefficients.size + fitted.bag.intercepts.size,
        },
        "input": {
            "max_length": None, "text_columns": job.data.text_columns,
            "pair_column": job.data.pair_column, "label_column": job.data.label_column,
            "positive": job.data.positive, "fix_text": job.config.fix_text,
        },
        "labels": job.data.labels,
        "data": describe_data(job.data),
        "versions": {"python": platform.python_version(), **versions},
        "machine": {
            "platform": platform.platform(), "processor": platform.machine(), "device": "cpu",
        },
    }  # fmt: skip


def _write(job: BaselineJob, fitted: Fitted, folder: Path, warnings: list[str]) -> Ended:
    """Write the finished folder; the test rows are read here, and once."""
    from ..finish import describe_test, score_again
    from ..single import Ended, Result

    described = describe_baseline(job, fitted)
    write_text(folder / "config.toml", write_toml(job.config))
    write_json(folder / "run.json", described)
    fitted.bag.write(folder, {"model": BASELINE, **Settings().describe()})
    Decision(groups=job.data.groups or {}).write(folder)
    found, fault = score_again(job.config, job.data, folder)
    if "test" in found:
        described["data"]["test"] = describe_test(job.data, found["test"].dataset)
    rate = len(job.data.train) / fitted.seconds
    described["result"] = {"steps": fitted.steps, "stop_reasons": [], "warnings": warnings}
    described["costs"] = {
        "train_runtime": round(fitted.seconds, 3), "train_samples_per_second": round(rate, 3),
    }  # fmt: skip
    write_json(folder / "train_results.json", described["costs"])
    results = {name: evaluation.to_json() for name, evaluation in found.items()}
    write_text(folder / "README.md", card(described, results))
    described["status"] = "finished"
    write_json(folder / "run.json", described)
    return Ended(Result(folder, results, described), found, fault)


def _width(fitted: Fitted) -> int:
    return int(fitted.bag.coefficients.shape[1])
