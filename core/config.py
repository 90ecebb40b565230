"""What a run is asked to do: every option of `titlekit train`, declared once."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import UsageError, nearest
from .options import convert, hints_of, option, options_of

BASELINE = "tfidf-lr"  # a model without an encoder: n-grams and logistic regression


@dataclasses.dataclass
class TrainConfig:
    """The options of one training run, with the command line's names and defaults."""

    train: list[str] = option([], "training data: files or one folder; none: synthetic titles")
    model: str = option("minilm", "alias, NAME[@REVISION] or folder of an encoder; or tfidf-lr")
    plugins: str = option("", 'plugins by name, e.g. focal,fgm,amp or "focal(gamma=2),fgm"')
    valid: str = option("0.1", "validation data: a share of the training rows, or a file")
    test: str = option("", "test data, read once after training")
    text_column: str = option("", "text column; several joined by commas")
    text_pair_column: str = option("", "column of a second text")
    label_column: str = option("", "label column")
    labels: str = option("", "column of kinds to learn; the answers are correct and wrong")
    weight_column: str = option("", "column of a number that each training row weighs")
    soft_targets: bool = option(False, "learn the probabilities in the columns p_LABEL")
    group_column: str = option("", "column of a group whose rows stay on one side of every split")
    positive: str = option("", "label that counts as positive (two classes)")
    encoding: str = option("", "character encoding of the input; default UTF-8, else detected")
    blank: str = option("skip", "blank texts in training", choices=("skip", "error"))
    fix_text: bool = option(False, "mend texts whose encoding was damaged; see the docs on data")
    max_length: str = option("auto", "longest input in tokens, or auto (99.9th percentile)")
    truncation: str = option(
        "head", "what is kept of a longer text", choices=("head", "tail", "head-tail")
    )
    batch_size: int = option(32, "rows of one optimizer step", min=1)
    grad_accum: int = option(1, "micro-batches that one batch is cut into", min=1)
    epochs: float = option(3.0, "passes over the training rows", min=0.0)
    lr: float | None = option(None, "learning rate; default: the model alias's own", min=0.0)
    warmup_ratio: float = option(0.06, "share of the steps that warm up", min=0.0, max=1.0)
    warmup_steps: int | None = option(None, "steps that warm up, instead of the ratio", min=0)
    weight_decay: float = option(0.01, "decoupled weight decay", min=0.0)
    max_grad_norm: float = option(1.0, "clip gradients to this L2 norm; 0: never", min=0.0)
    metric: str = option(
        "", "chooses the best weights: a name or FILE.py:FUNCTION; default f1 or macro_f1"
    )
    min_delta: float = option(0.0, "smallest gain of the metric that counts as better", min=0.0)
    seed: int = option(42, "drives everything random but the split", min=0, max=2**63 - 1)
    split_seed: int = option(42, "drives the splits alone", min=0, max=2**63 - 1)
    folds: int | None = option(None, "cross-validate: one run a fold, every row scored", min=2)
    fold: int | None = option(None, "with --folds: train this fold alone, counted from 1", min=1)
    seeds: int | None = option(None, "one run a seed, this many, counted up from --seed", min=1)
    eval_every: float = option(0.25, "epochs between evaluations", min=0.0)
    save_every: float | None = option(
        None, "epochs between saved states; default: at each evaluation", min=0.0
    )
    rows: int = option(4000, "synthetic titles to make when no data is given", min=20)
    limit: int | None = option(None, "use at most this many training rows", min=2)
    device: str = option("auto", "auto, cpu, cuda or cuda:N")
    offline: bool = option(False, "make no network request")
    allow_code: bool = option(False, "let a recipe name code by FILE.py:NAME")
    out: str = option("", "folder of the run; default runs/NNN")

    def check(self) -> None:
        """Refuse values that no single bound can express."""
        if self.epochs <= 0:
            raise UsageError(f"--epochs: expected a number above 0, got {self.epochs:g}")
        if self.lr is not None and self.lr <= 0:
            raise UsageError(f"--lr: expected a number above 0, got {self.lr:g}")
        if self.grad_accum > self.batch_size:
            raise UsageError(
                f"--grad-accum {self.grad_accum}: a batch of {self.batch_size} rows cannot be cut "
                "into more micro-batches than rows; --batch-size is the rows of one optimizer step"
            )
        if self.max_length != "auto" and not (
            self.max_length.isdecimal() and int(self.max_length) > 3
        ):
            raise UsageError(
                f"--max-length: expected auto or a whole number above 3, got {self.max_length!r}"
            )
        for name in ("eval_every", "save_every"):
            if getattr(self, name) == 0:
                raise UsageError(f"{flag(name)}: expected a number above 0, got 0")
        self._check_fold()
        self._check_labels()
        _ = self.valid_share  # refuses a share out of range

    def _check_labels(self) -> None:
        for name in ("label_column", "positive", "soft_targets"):
            if self.labels and getattr(self, name):
                raise UsageError(
                    f"--labels {self.labels} says what is learnt; leave out {flag(name)}"
                )

    def _check_fold(self) -> None:
        if self.fold is not None and self.folds is None:
            raise UsageError(f"--fold {self.fold}: of how many? name them with --folds")
        if self.fold is not None and self.folds is not None and self.fold > self.folds:
            raise UsageError(f"--fold {self.fold}: expected a number from 1 to {self.folds}")
        if self.fold is not None and self.seeds is not None:
            raise UsageError("--fold trains one run; leave out --seeds, and name its --seed")
        if self.seed + (self.seeds or 1) > 2**63:
            raise UsageError(f"--seeds {self.seeds}: counted up from --seed they pass 2^63 - 1")

    @property
    def several(self) -> bool:
        """Whether this asks for a series of runs, over folds or seeds, and not for one run."""
        return self.seeds is not None or (self.folds is not None and self.fold is None)

    @property
    def valid_share(self) -> float | None:
        """The share of the training rows to validate on, or None where --valid names a file."""
        try:
            share = float(self.valid or "nan")
        except ValueError:
            return None
        if not 0 <= share < 1:
            raise UsageError(
                "--valid: expected a share of at least 0 and below 1, or a file, "
                f"got {self.valid!r}"
            )
        return share


def flag(name: str) -> str:
    """Return an option's spelling on the command line: ``batch_size`` -> ``--batch-size``."""
    return "--" + name.replace("_", "-")


def merge(
    layers: typing.Sequence[tuple[str, Mapping[str, Any]]],
) -> tuple[TrainConfig, dict[str, str]]:
    """Build a TrainConfig from layers of values, later ones winning.

    Each layer is (origin, values); a value None says nothing. Returns the config and, by option,
    where its value came from ("default" or an origin).
    """
    fields, hints = options_of(TrainConfig), hints_of(TrainConfig)
    values: dict[str, Any] = {}
    origins = dict.fromkeys(fields, "default")
    for origin, given in layers:
        for key, raw in given.items():
            name = key.replace("-", "_")
            if name not in fields:
                raise UsageError(f"{origin}: no option {key!r}{nearest(name, fields)}")
            if raw is None:
                continue
            if name == "train":
                values[name] = _paths(raw)
            else:
                values[name] = convert(
                    flag(name), fields[name], hints[name], _text(hints[name], raw)
                )
            origins[name] = origin
    config = TrainConfig(**values)
    config.check()
    return config, origins


def _paths(raw: Any) -> list[str]:
    paths = raw if isinstance(raw, list | tuple) else [raw]
    if not all(isinstance(path, str | os.PathLike) for path in paths):
        raise UsageError(f"--train: expected text or a list of texts, got {raw!r}")
    return [os.fspath(path) for path in paths]


def _text(hint: Any, raw: Any) -> Any:
    # Recipes and Python may say valid = 0.2, max_length = 64, out = Path("run").
    plain = type(raw) in (int, float) or isinstance(raw, os.PathLike)
    return str(raw) if hint is str and plain else raw


def read_toml(path: str) -> dict[str, Any]:
    """Read a recipe: the options of TrainConfig, and plugins as text or as tables.

    ``plugins = "focal,fgm"``, or a table ``[plugins.focal]`` with its options for each. A table
    ``[code]`` (FILE.py:NAME -> sha256) is returned as it is.
    """
    try:
        with open(path, "rb") as stream:
            given = tomllib.load(stream)
    except FileNotFoundError:
        raise UsageError(f"--config {path}: no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}") from None
    if "allow_code" in given or "allow-code" in given:
        # Else a stranger's recipe could grant itself what only its reader can.
        raise UsageError(f"{path}: allow_code is not a recipe's to say; use --allow-code")
    if not isinstance(given.get("code", {}), dict):
        raise UsageError(f"{path}: code: expected a table of FILE.py:NAME = sha256")
    plugins = given.get("plugins")
    if isinstance(plugins, dict):
        calls = []
        for name, options in plugins.items():
            if not isinstance(options, dict):
                raise UsageError(f"{path}: plugins.{name}: expected a table of options")
            inside = ", ".join(f"{key}={value!r}" for key, value in options.items())
            calls.append(f"{name}({inside})" if inside else name)
        given["plugins"] = ",".join(calls)
    return given


def write_toml(config: TrainConfig, code: Mapping[str, str] | None = None) -> str:
    """Return the recipe that repeats a run, as TOML text; unset options are left out.

    `code`: the sha256 of each ``FILE.py:NAME``, so that the recipe means the code it was
    written with.
    """
    lines = ["# titlekit train --config config.toml"]
    for name in options_of(TrainConfig):
        value = getattr(config, name)
        if value is None or name in ("out", "allow_code"):
            continue
        lines.append(f"{name} = {_toml(value)}")
    if code:
        lines += ["", "[code]"]
        lines += [f"{_toml(name)} = {_toml(digest)}" for name, digest in code.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    # JSON's texts, numbers, booleans and lists are valid TOML, but for a delete character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def resolve_paths(config: TrainConfig) -> TrainConfig:
    """Return the config with existing paths made absolute, so that a run can be resumed."""

    def absolute(text: str) -> str:
        return str(Path(text).resolve()) if text and Path(text).exists() else text

    return dataclasses.replace(
        config,
        train=[absolute(path) for path in config.train],
        valid=config.valid if config.valid_share is not None else absolute(config.valid),
        test=absolute(config.test),
        model=absolute(config.model) if Path(config.model).is_dir() else config.model,
    )
