"""Several runs of the same options, over folds and seeds: one after the other, then seen together.

A run is scored on its fold, which neither it nor the choice of its weights has seen: those are
chosen on validation rows that are split off the other folds (--valid).
"""

from __future__ import annotations

import copy
import dataclasses
import gc
import logging
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from .baseline.job import BaselineJob
from .config import TrainConfig, resolve_paths, write_toml
from .data.dataset import to_score
from .data.load import TrainingData, deal_rows, read_training, split_training
from .describe import command_line, describe_data, describe_options
from .errors import DataError, InterruptedRun, UsageError
from .evidence.evaluation import Evaluation, write_predictions
from .evidence.spread import evaluate_mean, figures, spread, write_out_of_fold
from .finish import Evaluations, score_again
from .hooks.plugin import Plugin
from .prepare import Job
from .run_folder import SERIES, clear, create, locked, read_json, write_json, write_text
from .signals import between
from .single import (
    Ended,
    Result,
    check_job,
    kept_warnings,
    make_job,
    origins_in,
    refuse_other_rows,
    room_for,
    run,
)
from .single import go_on as go_on_with_run

log = logging.getLogger("titlekit")

OUT_OF_FOLD = "out_of_fold.csv"


@dataclasses.dataclass(frozen=True)
class Series(Result):
    """What finished runs leave together; `run` is series.json.

    `results` holds the metrics of the averaged probabilities: "out_of_fold" with folds, else
    "validation"; and "test".
    """

    runs: dict[str, Result]  # by name: fold-1, ...
    spread: dict[str, dict[str, dict[str, Any]]]  # rows -> metric -> mean, std, runs


@dataclasses.dataclass(frozen=True)
class Part:
    """One run of a series."""

    fold: int | None
    seed: int
    name: str  # of its folder


@dataclasses.dataclass
class Plan:
    """All that the runs of a series share."""

    config: TrainConfig
    origins: dict[str, str]
    plugins: Sequence[Plugin]  # as made: each run has copies of its own
    whole: TrainingData
    folds: np.ndarray | None  # [N] fold of each row
    ready: Job | BaselineJob | None = None  # the first run's, which was begun to check the options
    told: list[str] = dataclasses.field(default_factory=list)  # warnings while it was
    last: tuple[int | None, TrainingData] | None = None

    def parts(self) -> list[Part]:
        """Return the runs in order, seeds within folds."""
        config, found = self.config, []
        for fold in range(1, config.folds + 1) if config.folds else [None]:
            for seed in range(config.seed, config.seed + (config.seeds or 1)):
                names = [f"fold-{fold}"] if fold else []
                names += [f"seed-{seed}"] if config.seeds else []
                found.append(Part(fold, seed, "-".join(names)))
        return found

    def rows(self, part: Part) -> TrainingData:
        """Return the rows of a run; the runs of one fold, one after the other, have the same."""
        if self.last is None or self.last[0] != part.fold:
            data = split_training(self.options(part), self.whole, self.folds)
            self.last = part.fold, data
        return self.last[1]

    def options(self, part: Part) -> TrainConfig:
        """Return the options of one run."""
        return dataclasses.replace(self.config, fold=part.fold, seed=part.seed, seeds=None)

    def job(self, part: Part, folder: Path) -> Job | BaselineJob:
        """Prepare one run; the model of the one before is let go first."""
        if self.ready is not None:
            job, self.ready = self.ready, None
            return job
        gc.collect()  # a trainer and its run name each other
        plugins = copy.deepcopy(list(self.plugins))
        place = folder / part.name
        return make_job(self.options(part), self.origins, plugins, place, self.rows(part))


def make_plan(config: TrainConfig, origins: Mapping[str, str], plugins: Sequence[Plugin]) -> Plan:
    """Read the rows of a series, once, and deal them out; the cheap checks come first."""
    check_job(config, origins, plugins)
    whole = read_training(config)
    folds = deal_rows(config, whole) if config.folds else None
    return Plan(config, dict(origins), plugins, whole, folds)


def begin(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    folder: Path,
    overwrite: bool,
) -> Series:
    """Train the runs of a series in a new folder."""
    plan = make_plan(config, origins, plugins)
    with kept_warnings() as plan.told:
        plan.ready = plan.job(plan.parts()[0], folder)
        room_for(plan.ready, folder, len(plan.parts()))
        if isinstance(plan.ready, Job):
            plan.ready.trainer.start()  # runs that cannot train are refused here, and old ones stay
    # The commit that a hub name stands for now is that of all runs.
    plan.config = dataclasses.replace(config, model=plan.ready.config.model)
    folder = create(folder, overwrite)
    with locked(folder):
        kept = dataclasses.replace(
            resolve_paths(plan.ready.config), out=str(folder), fold=None, seed=config.seed,
            seeds=config.seeds,
        )  # fmt: skip
        described = {
            "titlekit": metadata.version("titlekit"),
            "status": "running",
            "command": command_line(kept),
            "options": describe_options(kept, plan.ready.origins),
            "plugins": {"spelling": kept.plugins, "code": plan.ready.code},
            "labels": plan.whole.labels,
            "positive": plan.whole.positive,
            "data": describe_data(plan.whole),
        }
        write_text(folder / "config.toml", write_toml(kept, plan.ready.code))
        write_json(folder / SERIES, described)
        try:
            return _run_all(plan, folder, described)
        except UsageError:
            if not any((folder / part.name / "run.json").is_file() for part in plan.parts()):
                clear(folder)  # wrong from the start: nothing half written stays
            raise


def go_on(
    config: TrainConfig, origins: Mapping[str, str], plugins: Sequence[Plugin], folder: Path
) -> Series:
    """Continue a series: finished runs are kept, the one that was stopped goes on."""
    described = read_json(folder / SERIES)
    origins = {**origins, **origins_in(folder, described, SERIES)}
    with locked(folder):
        plan = make_plan(config, origins, plugins)
        refuse_other_rows(folder, described, describe_data(plan.whole), SERIES)
        return _run_all(plan, folder, described)


def _run_all(plan: Plan, folder: Path, described: dict[str, Any]) -> Series:
    again = f"Continue with: titlekit train --resume {folder}"
    parts, ended = plan.parts(), _Together(plan)
    with between(f"stopped; the runs before and what was saved of this one are kept. {again}"):
        for number, part in enumerate(parts, 1):
            log.info("run %d of %d: %s", number, len(parts), part.name)
            done = _run_one(plan, part, folder)
            ended.add(part, done)
            if done.stopped is not None and number < len(parts):
                raise InterruptedRun(f"stopped after {part.name}. {again}", done.stopped)
        return ended.write(folder, described)


def _run_one(plan: Plan, part: Part, folder: Path) -> Ended:
    """Train one run, or go on with it, or score a finished one again: the same numbers."""
    place = folder / part.name
    if not (place / "run.json").is_file():
        with kept_warnings() as warnings:
            warnings += plan.told
            plan.told = []
            job = plan.job(part, folder)
            return run(job, place, True, warnings, folder)
    described = read_json(place / "run.json")
    options = dataclasses.replace(plan.options(part), out=str(place))
    if described.get("status") != "finished":
        plugins = copy.deepcopy(list(plan.plugins))
        return go_on_with_run(options, plan.origins, plugins, place, plan.rows(part), folder)
    # Groups deal rows out, and no hash of the whole tells of them.
    refuse_other_rows(place, described, describe_data(plan.rows(part)))
    found, fault = score_again(options, plan.rows(part), place)
    results = {name: evaluation.to_json() for name, evaluation in found.items()}
    return Ended(Result(place, results, described), found, fault)


class _Together:
    """The runs so far: what each left, and the sums of their probabilities."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.runs: dict[str, Result] = {}
        self.parts: dict[str, Part] = {}
        self.fault: DataError | None = None
        self.sums: dict[str, np.ndarray] = {}
        self.rows: dict[str, Any] = {}

    def add(self, part: Part, ended: Ended) -> None:
        """Take in one run."""
        self.runs[part.name], self.parts[part.name] = ended.result, part
        self.fault = self.fault or ended.fault
        for name, evaluation in ended.evaluations.items():
            self._add_up(part, name, evaluation)

    def _add_up(self, part: Part, name: str, evaluation: Evaluation) -> None:
        found = evaluation.answers.probabilities
        folds, whole = self.plan.folds, self.plan.whole
        if name == "fold" and folds is not None:
            self.rows["out_of_fold"] = whole.answered(to_score(whole.train))
            shape = (len(whole.train), found.shape[1])
            total = self.sums.setdefault("out_of_fold", np.zeros(shape))
            total[folds == part.fold] += found / (self.plan.config.seeds or 1)
        elif name == "test" or folds is None:
            self.rows[name] = evaluation.dataset
            total = self.sums.setdefault(name, np.zeros(found.shape))
            total += found / len(self.plan.parts())

    def write(self, folder: Path, described: dict[str, Any]) -> Series:
        """Write what the runs say together; a fault of the test file is raised after that."""
        whole, folds = self.plan.whole, self.plan.folds
        if self.fault is not None:
            self.sums.pop("test", None)
        found: Evaluations = {
            name: evaluate_mean(self.rows[name], total, whole.answers, whole.answer_positive)
            for name, total in self.sums.items()
        }
        if folds is not None:
            write_out_of_fold(folder / OUT_OF_FOLD, found["out_of_fold"], folds)
        for name, file in (("validation", "valid"), ("test", "test")):
            if name in found:
                write_predictions(folder / "predictions" / f"{file}.csv", found[name])
        spreads, described = self._spread(), dict(described)
        results = {name: evaluation.to_json() for name, evaluation in found.items()}
        seconds = [one.run["costs"]["train_runtime"] for one in self.runs.values()]
        described |= {
            "status": "finished",
            "runs": {name: self._described(name) for name in self.runs},
            "spread": spreads,
            "results": results,
            "costs": {"train_runtime": round(sum(seconds), 3)},
        }
        write_json(folder / SERIES, described)
        if self.fault is not None:
            raise DataError(
                f"{self.fault}; the runs are done and kept in {folder}: mend the test file, then "
                f"titlekit evaluate {folder} FILE"
            )
        return Series(folder, results, described, self.runs, spreads)

    def _described(self, name: str) -> dict[str, Any]:
        part, left = self.parts[name], self.runs[name]
        return {
            "fold": part.fold,
            "seed": part.seed,
            "rows": left.run["data"]["train"]["rows"],
            "steps": left.run["result"]["steps"],
            "train_runtime": left.run["costs"]["train_runtime"],
            "results": {
                rows: {"rows": results["rows"], **figures(results)}
                for rows, results in left.results.items()
            },
        }

    def _spread(self) -> dict[str, dict[str, dict[str, Any]]]:
        found: dict[str, list[dict[str, float | None]]] = {}
        for left in self.runs.values():
            for rows, results in left.results.items():
                found.setdefault(rows, []).append(figures(results))
        return {rows: spread(runs) for rows, runs in found.items()}
