"""A whole training run: from options to a folder that opens everywhere."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from .config import TrainConfig, flag, merge, read_toml, resolve_paths, write_toml
from .data.load import TrainingData
from .errors import InterruptedRun, UsageError
from .hooks.assembly import implementations
from .hooks.plugin import Plugin
from .hooks.registry import spell_plugins
from .options import options_of
from .prepare import Job, make_plugins, prepare
from .run_folder import (
    STATE,
    Records,
    check_room,
    choose,
    clear,
    create,
    locked,
    read_json,
    write_json,
    write_text,
)
from .signals import stopping

log = logging.getLogger("titlekit")


@dataclasses.dataclass(frozen=True)
class Result:
    """What a finished run leaves: its folder, and metrics by name of the rows."""

    folder: Path
    results: dict[str, dict[str, Any]]  # "validation" and "test", where there are such rows
    run: dict[str, Any]  # run.json


def train(
    config: TrainConfig | None = None,
    *,
    plugins: str | Sequence[str] | Sequence[Plugin] | None = None,
    origins: Mapping[str, str] | None = None,
    code: Mapping[str, str] | None = None,
    overwrite: bool = False,
    data: TrainingData | None = None,
    **options: Any,
) -> Result:
    """Train with the options of `titlekit train`, e.g. ``train(train="t.csv", plugins="focal")``.

    Give options by name or as a TrainConfig. `plugins`: a spelling, a list of names, or a list of
    Plugin instances. `data`: rows that are in memory already; nothing is read then.
    """
    made = None
    if isinstance(plugins, str):
        options["plugins"] = plugins
    elif plugins is not None:
        names = [plugin for plugin in plugins if isinstance(plugin, str)]
        made = [plugin for plugin in plugins if not isinstance(plugin, str)]
        if names and made:
            raise UsageError("plugins: give names or Plugin instances, not both in one list")
        if names:
            options["plugins"], made = ",".join(names), None
    if config is None:
        config, origins = merge([("Python", options)])
    elif options:
        raise UsageError("give a TrainConfig or options by name, not both")
    folder = choose(config.out, overwrite)
    made = make_plugins(config, code) if made is None else made
    with _kept_warnings() as warnings:
        job = prepare(config, origins or {}, made, folder / "checkpoints", data)
        extra = sum(_keeps_weights(plugin) for plugin in job.plugins)
        check_room(folder, sum(p.numel() for p in job.trainer.run.model.parameters()), extra)
        folder = create(folder, overwrite)
        job.trainer.best.folder = folder / "checkpoints"
        with locked(folder):
            # Messages call files as the person did; what is written finds them from anywhere.
            kept = dataclasses.replace(resolve_paths(job.config), out=str(folder))
            job = dataclasses.replace(job, config=kept)
            write_text(folder / "config.toml", write_toml(job.config, job.code))
            write_json(folder / "run.json", _describe(job, "running"))
            try:
                return _finish(job, folder, warnings, 0.0)
            except UsageError:
                if job.trainer.run.step == 0:  # wrong from the start: nothing half written stays
                    clear(folder)
                raise


def resume(folder: str | Path, given: Mapping[str, Any] | None = None) -> Result:
    """Continue a run that was stopped, from its folder alone.

    `given` are options that the person repeats; one that differs is refused by name.
    """
    folder = Path(folder)
    described = read_json(folder / "run.json")
    if described.get("status") == "finished":
        raise UsageError(f"--resume {folder}: that run is finished; there is nothing to continue")
    values = read_toml(str(folder / "config.toml"))
    code = values.pop("code", {})
    given = dict(given or {})
    allow = bool(given.pop("allow_code", False))
    config, origins = merge([("config.toml", {**values, "out": str(folder)})])
    config = dataclasses.replace(config, allow_code=allow)
    made = make_plugins(config, code)
    _refuse_changes(config, made, given)
    for name, option in _objects(folder, described, "options").items():
        origins[name] = str(option.get("from", "config.toml"))
    rows = _objects(folder, described, "data")
    with locked(folder), _kept_warnings() as warnings:
        job = prepare(config, origins, made, folder / "checkpoints")
        for name, data in rows.items():
            now, then = _data(job).get(name, {}).get("sha256", "none"), str(data.get("sha256"))
            if now != then:
                raise UsageError(
                    f"--resume {folder}: the {name} rows of {data.get('name')} are not those that "
                    f"the run began with (sha256 {now[:12]}, then {then[:12]}); put them back, or "
                    "start a new run"
                )
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
        return _finish(job, folder, warnings, seconds)


def _keeps_weights(plugin: Plugin) -> bool:
    """Return whether a plugin's state may be as large as the model, as an average of it is."""
    own = type(plugin).state_dict is not Plugin.state_dict
    return own and "after_step" in implementations(plugin)


def _objects(folder: Path, described: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
    """Return an object of objects from run.json, which another program may have written."""
    found = described.get(key, {})
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise UsageError(
            f"--resume {folder}: run.json is not as titlekit wrote it: {key}: expected an object "
            "of objects"
        )
    return found


def _refuse_changes(config: TrainConfig, made: Sequence[Plugin], given: Mapping[str, Any]) -> None:
    asked, _ = merge([("command line", given)])
    asked = resolve_paths(asked)
    for name in given:
        name = name.replace("-", "_")
        now, then = getattr(asked, name), getattr(config, name)
        if name == "plugins":
            now, then = spell_plugins(make_plugins(asked)), spell_plugins(made)
        if now != then and name != "out":
            raise UsageError(
                f"--resume: {flag(name)} is {getattr(asked, name)!r} here and was "
                f"{getattr(config, name)!r} when the run began; leave it out, or start a new run"
            )


def _finish(job: Job, folder: Path, warnings: list[str], seconds: float) -> Result:
    """Run the loop and write the folder."""
    from .finish import write_results

    seconds = _fit(job, folder, seconds)
    described = _describe(job, "finished")
    results = write_results(job, folder, described, warnings, seconds)
    return Result(folder, results, described)


def _fit(job: Job, folder: Path, seconds: float) -> float:
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
                f"{stop}; the state is saved. Continue with: titlekit train --resume {folder}",
                stop.exit_code - 128,
            ) from None
    return time.perf_counter() - started


@contextlib.contextmanager
def _kept_warnings() -> Iterator[list[str]]:
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


def _data(job: Job) -> dict[str, Any]:
    found = {}
    for name, rows in (("train", job.data.train), ("validation", job.data.valid)):
        if rows is None:
            continue
        counts = {label: int((rows.labels == i).sum()) for i, label in enumerate(job.data.labels)}
        found[name] = {
            "name": rows.name, "rows": len(rows.texts), "sha256": rows.sha256,
            "class_counts": counts, "blank_rows": len(rows.blank_lines),
        }  # fmt: skip
    return found


def _describe(job: Job, status: str) -> dict[str, Any]:
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
        "options": {
            name: {"value": getattr(config, name), "from": job.origins.get(name, "default")}
            for name in options_of(TrainConfig)
        },
        "plugins": {"spelling": config.plugins, "code": job.code},
        "model": {
            "asked": job.found.asked, "source": job.found.source, "revision": job.found.revision,
            "parameters": sum(p.numel() for p in run.model.parameters()),
        },
        "input": {
            "max_length": job.encoder.max_length, "truncation": job.encoder.truncation,
            "text_columns": job.data.text_columns, "pair_column": job.data.pair_column,
            "label_column": job.data.label_column, "positive": job.data.positive,
        },
        "labels": job.data.labels,
        "data": _data(job),
        "steps": {"total": run.total_steps, "per_epoch": run.steps_per_epoch},
        "versions": versions,
        "machine": {
            "platform": platform.platform(), "processor": platform.machine(),
            "device": str(run.device), "precision": run.precision.name,
            "threads": _threads(),
        },
    }  # fmt: skip


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def command_line(config: TrainConfig) -> str:
    """Return the ``titlekit train`` line that repeats a run."""
    import shlex

    words = ["titlekit", "train", *config.train]
    plain = TrainConfig()
    for name in options_of(TrainConfig):
        value = getattr(config, name)
        if name in ("train", "out") or value == getattr(plain, name) or value is None:
            continue
        words += [flag(name)] if value is True else [flag(name), str(value)]
    return shlex.join(words)
