"""One run on rows in memory for an estimator: held in memory, or written to a folder too."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .baseline.job import prepare_baseline
from .baseline.run import fit_told
from .config import BASELINE, TrainConfig
from .data.load import TrainingData
from .data.tokens import TextEncoder
from .device import pick_device
from .hooks.plugin import Plugin
from .inference.bag import hold_bag
from .inference.decision import Decision
from .inference.predictor import Input, Predictor, load_run
from .prepare import prepare
from .run_folder import finite
from .session import train
from .training.watch import idle

if TYPE_CHECKING:
    import torch

log = logging.getLogger("titlekit")


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a run leaves in memory; `best` is None where nothing could be measured."""

    predictor: Predictor
    history: list[dict[str, Any]]  # the records of metrics.jsonl
    epochs: float
    best: float | None
    counts: dict[str, dict[str, int]]  # what each plugin counted, by its name


def run(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    data: TrainingData,
    overwrite: bool,
) -> Trained:
    """Train on rows in memory; a folder is written where `config.out` names one."""
    if config.model == BASELINE and not config.out:
        return _fitted(config, origins, plugins, data)
    with _own_random_numbers(pick_device(config.device)):
        if config.out:
            return _in_folder(config, origins, plugins, data, overwrite)
        return _in_memory(config, origins, plugins, data)


def hold(model: Any, encoder: TextEncoder, device: torch.device, labels: list[str]) -> Predictor:
    """Return a trained model as a Predictor that belongs to no folder."""
    told = Input(max_length=encoder.max_length, truncation=encoder.truncation)
    return Predictor(model.to(device), encoder, device, labels, None, Decision(), told, None)


@contextlib.contextmanager
def told(verbose: Any) -> Iterator[None]:
    """Show titlekit's notes: 0 as logging is set up already, 1 notes and a bar, 2 details."""
    if not verbose:
        yield
        return
    level, handler = log.level, logging.StreamHandler()
    log.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)
    shown = log.hasHandlers()
    if not shown:
        log.addHandler(handler)
    try:
        yield
    finally:
        log.setLevel(level)
        if not shown:
            log.removeHandler(handler)


@contextlib.contextmanager
def _own_random_numbers(device: torch.device) -> Iterator[None]:
    """Leave torch's global random numbers as they were: they are the caller's."""
    import torch

    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def _fitted(
    config: TrainConfig, origins: Mapping[str, str], plugins: Sequence[Plugin], data: TrainingData
) -> Trained:
    job = prepare_baseline(config, origins, plugins, data)
    told = Input(positive=job.data.positive, fix_text=job.config.fix_text)
    decision = Decision(groups=data.groups or {})
    return Trained(hold_bag(fit_told(job).bag, told, decision, None), [], 0.0, None, {})


def _in_memory(
    config: TrainConfig, origins: Mapping[str, str], plugins: Sequence[Plugin], data: TrainingData
) -> Trained:
    job = prepare(config, origins, plugins, None, data)
    history: list[dict[str, Any]] = []
    job.trainer.on_record = lambda record: history.append(finite(record))
    done = job.trainer.fit()
    for name in idle(plugins):
        log.warning("the plugin %s was named and did nothing in this run", name)
    return Trained(
        hold(done.model, job.encoder, done.device, data.labels),
        history,
        done.epoch,
        finite(done.best),
        {plugin.name: plugin.counts() for plugin in plugins},
    )


def _in_folder(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    data: TrainingData,
    overwrite: bool,
) -> Trained:
    result = train(config, plugins=plugins, origins=origins, overwrite=overwrite, data=data)
    records = result.folder / "metrics.jsonl"  # a baseline has none: it is not trained in steps
    lines = records.read_text("utf-8").splitlines() if records.is_file() else []
    ended = result.run["result"]
    return Trained(
        load_run(result.folder, config.device), [json.loads(line) for line in lines],
        ended.get("epochs", 0.0), finite(ended.get("best")), result.run["plugins"]["counters"],
    )  # fmt: skip
