"""One training run: from a job to a folder that opens everywhere, begun or continued."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .baseline.job import BaselineJob, check_baseline, prepare_baseline
from .baseline.run import go_on_with_baseline, run_baseline
from .config import BASELINE, TrainConfig, resolve_paths, write_toml
from .data.load import TrainingData
from .describe import describe, describe_data
from .errors import DataError, InterruptedRun, UsageError
from .hooks.assembly import implementations
from .hooks.plugin import Plugin
from .prepare import Job, check, prepare
from .run_folder import (
    STATE,
    Records,
    check_room,
    clear,
    create,
    locked,
    read_json,
    write_json,
    write_text,
)
from .signals import stopping

if TYPE_CHECKING:
    from .finish import Evaluations

log = logging.getLogger("titlekit")


@dataclasses.dataclass(frozen=True)
class Result:
    """What a finished run leaves: its folder, and metrics by name of the rows."""

    folder: Path
    results: dict[str, dict[str, Any]]  # "validation", "fold" and "test", where there are such rows
    run: dict[str, Any]  # run.json


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a run ended: what it leaves, what it answered, and what was wrong beside it."""

    result: Result
    evaluations: Evaluations
    fault: DataError | None = None  # of the test file
    stopped: int | None = None  # a signal that came when the last step was done


def begin(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    folder: Path,
    overwrite: bool,
    data: TrainingData | None = None,
) -> Ended:
    """Run the options of one run in a new folder; nothing is written before all is checked."""
    with kept_warnings() as warnings:
        job = make_job(config, origins, plugins, folder, data)
        room_for(job, folder)
        return run(job, folder, overwrite, warnings)


def check_job(config: TrainConfig, origins: Mapping[str, str], plugins: Sequence[Plugin]) -> None:
    """Check what needs no data, of an encoder's run or of a baseline's."""
    if config.model == BASELINE:
        check_baseline(config, origins, plugins)
    else:
        check(config, plugins)


def make_job(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    folder: Path,
    data: TrainingData | None = None,
) -> Job | BaselineJob:
    """Return the job of an encoder or of a baseline, ready to run in `folder`."""
    if config.model == BASELINE:
        return prepare_baseline(config, origins, plugins, data)
    return prepare(config, origins, plugins, folder / "checkpoints", data)


def room_for(job: Job | BaselineJob, folder: Path, models: int = 1) -> None:
    """Refuse a disk that cannot hold a run, and the models of as many that follow it."""
    if isinstance(job, BaselineJob):
        return  # some megabytes
    extra = sum(_keeps_weights(plugin) for plugin in job.plugins)
    check_room(folder, sum(p.numel() for p in job.trainer.run.model.parameters()), extra, models)


def run(
    job: Job | BaselineJob,
    folder: Path,
    overwrite: bool,
    warnings: list[str],
    series: Path | None = None,
) -> Ended:
    """Run a job in a new folder; `series` is the folder that the run is a part of."""
    if isinstance(job, BaselineJob):
        return run_baseline(job, folder, overwrite, warnings)
    job.trainer.start()  # a run that cannot train is refused here, and an old one stays
    folder = create(folder, overwrite)
    job.trainer.best.folder = folder / "checkpoints"
    with locked(folder):
        # Messages call files as the person did; what is written finds them from anywhere.
        kept = dataclasses.replace(resolve_paths(job.config), out=str(folder))
        job = dataclasses.replace(job, config=kept)
        write_text(folder / "config.toml", write_toml(job.config, job.code))
        write_json(folder / "run.json", describe(job, "running"))
        try:
            return _finish(job, folder, warnings, 0.0, series)
        except UsageError:
            if job.trainer.run.step == 0:  # wrong from the start: nothing half written stays
                clear(folder)
            raise


def go_on(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    folder: Path,
    data: TrainingData | None = None,
    series: Path | None = None,
) -> Ended:
    """Continue a run that was stopped from the state in its folder."""
    if config.model == BASELINE:
        return go_on_with_baseline(config, origins, plugins, folder, data)
    described = read_json(folder / "run.json")
    origins = {**origins, **origins_in(folder, described)}
    with locked(folder), kept_warnings() as warnings:
        job = prepare(config, origins, plugins, folder / "checkpoints", data)
        refuse_other_rows(folder, described, describe_data(job.data))
        seconds = 0.0
        if (folder / STATE).is_file():
            from .training import checkpoint, state

            saved = checkpoint.load(folder / STATE)
            state.load_state_dict(job.trainer, saved["trainer"])
            seconds = float(saved["seconds"])
            log.info(
                "continues at step %d of %d", job.trainer.run.step, job.trainer.run.total_steps
            )
        else:
            log.info("no state was saved yet: starts from the beginning")
        return _finish(job, folder, warnings, seconds, series)


def origins_in(
    folder: Path, described: Mapping[str, Any], file: str = "run.json"
) -> dict[str, str]:
    """Return where each option came from, as run.json or series.json says it."""
    found = _objects(folder, described, "options", file)
    return {name: str(option.get("from", "config.toml")) for name, option in found.items()}


def refuse_other_rows(
    folder: Path, described: Mapping[str, Any], now: Mapping[str, Any], file: str = "run.json"
) -> None:
    """Refuse rows that are not those that were described when the run began."""
    for name, data in _objects(folder, described, "data", file).items():
        found, then = now.get(name, {}).get("sha256", "none"), str(data.get("sha256"))
        if found != then:
            raise UsageError(
                f"--resume {folder}: the {name} rows of {data.get('name')} are not those that "
                f"the run began with (sha256 {found[:12]}, then {then[:12]}); put them back, or "
                "start a new run"
            )


@contextlib.contextmanager
def kept_warnings() -> Iterator[list[str]]:
    """Collect the warnings of a run for run.json."""
    kept: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(record.getMessage())

    keeper = Keeper(logging.WARNING)
    log.addHandler(keeper)
    try:
        yield kept
    finally:
        log.removeHandler(keeper)


def _keeps_weights(plugin: Plugin) -> bool:
    """Return whether a plugin's state may be as large as the model, as an average of it is."""
    own = type(plugin).state_dict is not Plugin.state_dict
    return own and "after_step" in implementations(plugin)


def _objects(
    folder: Path, described: Mapping[str, Any], key: str, file: str
) -> dict[str, dict[str, Any]]:
    """Return an object of objects from a JSON file that another program may have written."""
    found = described.get(key, {})
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise UsageError(
            f"--resume {folder}: {file} is not as titlekit wrote it: {key}: expected an object "
            "of objects"
        )
    return found


def _finish(
    job: Job, folder: Path, warnings: list[str], seconds: float, series: Path | None
) -> Ended:
    """Run the loop and write the folder."""
    from .finish import write_results

    seconds = _fit(job, folder, seconds, series or folder)
    described = describe(job, "finished")
    found, fault = write_results(job, folder, described, warnings, seconds)
    results = {name: evaluation.to_json() for name, evaluation in found.items()}
    return Ended(Result(folder, results, described), found, fault, job.trainer.stop_signal)


def _fit(job: Job, folder: Path, seconds: float, resumed: Path) -> float:
    from .training import checkpoint, state

    trainer = job.trainer
    started = time.perf_counter() - seconds

    def save() -> None:
        whole = {
            "trainer": state.state_dict(trainer),
            "seconds": time.perf_counter() - started,
        }
        checkpoint.save(folder / STATE, whole)
        trainer.best.forget_all_but(trainer.run.best_step)

    records = Records(folder / "metrics.jsonl", trainer.run.step)
    trainer.on_record = records.add
    with stopping(trainer):
        try:
            trainer.fit(save)
        except InterruptedRun as stop:
            raise InterruptedRun(
                f"{stop}; the state is saved. Continue with: titlekit train --resume {resumed}",
                stop.exit_code - 128,
            ) from None
    return time.perf_counter() - started
