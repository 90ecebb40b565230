"""What a baseline is asked to do: options that mean something to it, rows that are ready."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence

from ..config import BASELINE, TrainConfig, flag
from ..data.load import TrainingData, load_training
from ..errors import UsageError
from ..hooks.plugin import Plugin
from ..prepare import settle_positive, test_path, warn_of_leak

log = logging.getLogger("titlekit")

# Options of a run that trains an encoder; here nothing is trained in steps, cut or chosen.
UNUSED = (
    "plugins", "max_length", "truncation", "batch_size", "grad_accum", "epochs", "lr",
    "warmup_ratio", "warmup_steps", "weight_decay", "max_grad_norm", "metric", "min_delta",
    "eval_every", "save_every",
)  # fmt: skip
_TYPED = ("command line", "Python")


@dataclasses.dataclass
class BaselineJob:
    """Options and rows of a baseline, checked; nothing is fitted yet."""

    config: TrainConfig
    origins: dict[str, str]
    data: TrainingData
    code: dict[str, str] = dataclasses.field(default_factory=dict)  # none: it runs no plugin


def check_baseline(
    config: TrainConfig, origins: Mapping[str, str], plugins: Sequence[Plugin]
) -> None:
    """Refuse options that mean nothing to a baseline, all of them in one line.

    Defaults are no one's wish, and a recipe names them all; what a person typed is refused
    whatever its value.
    """
    plain = TrainConfig()
    given = [
        name
        for name in UNUSED
        if getattr(config, name) != getattr(plain, name) or origins.get(name) in _TYPED
    ]
    if plugins and "plugins" not in given:
        given.insert(0, "plugins")
    if config.device not in ("auto", "cpu"):
        given.append("device")
    if given:
        raise UsageError(
            f"--model {BASELINE} has no encoder and is fitted on the CPU; leave out "
            f"{', '.join(map(flag, given))}"
        )
    if config.seeds is not None and config.seeds > 1:
        log.warning("--seeds %d: %s draws nothing, so equal runs follow", config.seeds, BASELINE)
    test_path(config)


def prepare_baseline(
    config: TrainConfig,
    origins: Mapping[str, str],
    plugins: Sequence[Plugin],
    data: TrainingData | None = None,
) -> BaselineJob:
    """Return a baseline's job; `data` are rows that are in memory already."""
    check_baseline(config, origins, plugins)
    data = data or load_training(config)
    config, settled = settle_positive(config, origins, data)
    settled |= dict.fromkeys((*UNUSED, "device"), f"of no use to {BASELINE}")
    warn_of_leak(data)
    return BaselineJob(config, settled, data)
