"""From options to a job that is ready to run: plugins, data, model, tokens, trainer."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .code import absolute, check_recorded, is_code, read_code
from .config import TrainConfig, flag
from .data.load import Dataset, TrainingData, leak, load_training, test_file
from .data.report.lengths import UNKNOWN_SHARE, row_lengths, settle_length, unknown_share
from .data.tokens import Examples, Flat, TextEncoder, Tokens, learn_template, tokenise
from .encoder import check_vocabulary, length_limit
from .errors import UsageError
from .hooks.assembly import Hooks
from .hooks.plugin import Plugin
from .hooks.registry import create, spell_plugins
from .hooks.spelling import parse
from .models import ALIASES, Resolved, default_lr, load_for_training, resolve
from .training.metrics import check_metric, make_metric

if TYPE_CHECKING:
    from .training.trainer import Trainer

log = logging.getLogger("titlekit")

Recorded = Mapping[str, Mapping[str, str]]  # option -> FILE.py:NAME -> sha256 of the file


@dataclasses.dataclass
class Job:
    """All parts of one training run, built and checked; nothing is written yet."""

    config: TrainConfig
    origins: dict[str, str]
    plugins: list[Plugin]
    code: dict[str, str]  # FILE.py:NAME -> sha256 of the file
    data: TrainingData
    found: Resolved
    tokenizer: Any
    encoder: TextEncoder
    trainer: Trainer


def make_plugins(config: TrainConfig, code: Recorded | None = None) -> list[Plugin]:
    """Return the plugins that a config names; its code is checked first, the metric's too.

    `code` holds, for `plugins` and `metric`, the sha256 of each FILE.py:NAME where a recipe or a
    run names them and not the person at the keyboard: then they need --allow-code and that hash.
    """
    # A file by its whole path, so that a recipe or a resumed run finds it from anywhere.
    calls = [(absolute(name), options) for name, options in parse(config.plugins)]
    named = {"plugins": [name for name, _ in calls], "metric": [absolute(config.metric)]}
    for option, names in named.items():
        recorded = None if code is None else code.get(option)
        check_recorded(names, flag(option), recorded, config.allow_code)
    return [create(call) for call in calls]


def check(config: TrainConfig, plugins: Sequence[Plugin]) -> Resolved:
    """Check what needs no data, and find the model."""
    from .device import pick_device

    Hooks(plugins)
    if config.metric:
        check_metric(config.metric, "any")
    pick_device(config.device)
    test_path(config)
    return resolve(config.model, config.offline)


def prepare(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    folder: Path | None = None,
    data: TrainingData | None = None,
) -> Job:
    """Build a job; the cheap checks come first. The trainer keeps its best weights in `folder`.

    `data`: rows that are in memory already; without them they are read as `config` says.
    """
    from .training.trainer import Trainer

    plugins = list(plugins)
    found = check(config, plugins)  # what is wrong is told before any data is read
    data = data or load_training(config)
    if is_code(config.metric):
        config = dataclasses.replace(config, metric=absolute(config.metric))
        make_metric(config.metric, data.labels, data.positive)  # tried before a model is loaded
    model, tokenizer = load_for_training(found, data.labels, data.train.texts, config.seed)
    origins = dict(origins)
    if config.lr is None:
        config = dataclasses.replace(config, lr=default_lr(found, model))
        origins["lr"] = f"default of {config.model}"
    config, origins = settle_positive(config, origins, data)
    encoder, train = _encode(config, data.train, model, tokenizer)
    valid = None
    if data.valid is not None:
        tokens = encoder(data.valid.texts, data.valid.pairs)
        valid = Examples(tokens, data.valid.labels)
        warn_of_leak(data)
    trainer = Trainer(
        model, train, valid, labels=data.labels, config=config, plugins=plugins, folder=folder
    )
    names = [config.metric, *(plugin.name for plugin in plugins)]
    code = {name: read_code(name, "the run's", "NAME").sha256 for name in filter(is_code, names)}
    spelled = dataclasses.replace(
        config, plugins=spell_plugins(plugins), model=_pinned(config.model, found)
    )
    return Job(spelled, origins, plugins, code, data, found, tokenizer, encoder, trainer)


def settle_positive(
    config: TrainConfig, origins: Mapping[str, str], data: TrainingData
) -> tuple[TrainConfig, dict[str, str]]:
    """Return the options with the positive label that was found, and where each came from."""
    origins = dict(origins)
    if not config.positive and data.positive:
        config = dataclasses.replace(config, positive=data.positive)
        origins["positive"] = "found among the labels"
    return config, origins


def warn_of_leak(data: TrainingData) -> None:
    """Say how many of the validation rows, where there are any, are trained on too."""
    if data.valid is not None and (leaked := leak(data.train, data.valid)):
        log.warning(
            "%d of the %d validation rows also stand in the training rows: the metrics will "
            "flatter", leaked, len(data.valid.texts),
        )  # fmt: skip


def _pinned(model: str, found: Resolved) -> str:
    """Return a hub name with the commit it stood for, so that a recipe means the same weights."""
    hub = found.folder is not None and model not in ALIASES and not Path(model).is_dir()
    return f"{found.source}@{found.revision}" if hub and len(found.revision) == 40 else model


def test_path(config: TrainConfig) -> str:
    """Return where the test rows are: --test, or a folder's own test file; else nothing."""
    if config.test:
        if not Path(config.test).exists():
            raise UsageError(f"--test {config.test}: no such file")
        return config.test
    folder = config.train[0] if len(config.train) == 1 else ""
    return (test_file(folder) or "") if folder and Path(folder).is_dir() else ""


def _encode(
    config: TrainConfig, rows: Dataset, model: Any, tokenizer: Any
) -> tuple[TextEncoder, Examples]:
    """Tokenise the training rows once and settle the length."""
    limit = length_limit(model, tokenizer)
    raw = tokenise(tokenizer, rows.texts)
    second = None if rows.pairs is None else tokenise(tokenizer, rows.pairs)
    _warn_of_unknown(raw, rows, tokenizer, config.model)
    special = learn_template(tokenizer, second is not None).size
    lengths = row_lengths(raw, second, special)
    if config.max_length == "auto":
        length = settle_length(lengths, special, limit).max_length
    else:
        length = int(config.max_length)
        if length > limit:
            raise UsageError(
                f"--max-length {length}: {config.model} has positions for {limit} tokens"
            )
        if length <= special:
            raise UsageError(
                f"--max-length {length}: {special} special tokens leave no room for a text"
            )
    encoder = TextEncoder(tokenizer, length, config.truncation)
    tokens = encoder.assemble(raw, second)
    check_vocabulary(model, max(tokens.pad_id, int(tokens.ids.values.max())), config.model)
    cut = float(np.mean(lengths > length)) if len(lengths) else 0.0
    log.info(
        "longest input: %d tokens (%.1f on average; %.2f %% of the rows are cut)",
        length, float(tokens.lengths.mean()), 100 * cut,
    )  # fmt: skip

    def encode(texts: Sequence[str]) -> Tokens:
        return encoder(texts, rows.pairs)  # augmented first texts keep their second ones

    return encoder, Examples(
        tokens, rows.labels, rows.weights, texts=rows.texts, encode=encode, targets=rows.targets
    )


def _warn_of_unknown(raw: Flat, rows: Dataset, tokenizer: Any, model: str) -> None:
    share = unknown_share(raw, tokenizer)
    if share <= UNKNOWN_SHARE:
        return
    sample = "".join(rows.texts[:2000])
    chinese = sum("\u4e00" <= sign <= "\u9fff" for sign in sample) > len(sample) / 4
    fitting = "google-bert/bert-base-chinese, " if chinese else ""
    log.warning(
        "%.0f %% of the tokens are unknown to %s: it cannot tell those words apart; encoders that "
        "fit: %sgoogle-bert/bert-base-multilingual-cased, FacebookAI/xlm-roberta-base, or "
        "--model tiny, whose vocabulary is made from your rows",
        100 * share, model, fitting,
    )  # fmt: skip
