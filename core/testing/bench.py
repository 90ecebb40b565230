"""What a plugin is tried on: random tokens and a small model, milliseconds a step."""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import TrainConfig
from ..data.tokens import Examples, Flat, Tokens
from ..errors import UsageError
from ..hooks.plugin import Plugin
from ..options import build
from ..training.trainer import Trainer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..hooks.run import Run

ROWS = np.array([3, 7, 11, 15, 2, 6, 10])  # a batch that three micro-batches cut unevenly
PARTS = 3
_WORDS = 60  # token numbers 5 to 59 are words


class Bench:
    """Makes a plugin with its options, and trainers that it takes part in."""

    def __init__(self, cls: type[Plugin], options: Mapping[str, Any]) -> None:
        self.cls, self.options = cls, dict(options)
        self.labels = ["a", "b", "c"]
        self.notes: list[str] = []

    def check_options(self) -> None:
        """Refuse options that the plugin does not have, or has with other values."""
        if self.options:
            self.make()

    def make(self) -> Plugin:
        """Return a new plugin with the options of this bench."""
        plugin: Plugin = build(self.cls, self.cls.name, self.options)
        plugin.name = self.cls.name
        return plugin

    def trainer(
        self, plugins: Sequence[Plugin] | None = None, *, dropout: float = 0.1, parts: int = 1
    ) -> Trainer:  # fmt: skip
        """Return a Trainer of 6 steps, 3 an epoch, by default with this plugin alone.

        Its evaluations take no time; ``trainer._score_and_keep`` are the real ones.
        """
        import torch

        classes = len(self.labels)
        torch.manual_seed(0)  # as before a run: prepare_model may draw first weights
        config = TrainConfig(
            lr=1e-3, batch_size=8, epochs=2.0, eval_every=2.0, warmup_ratio=0.1, device="cpu",
            grad_accum=parts, positive="correct" if "correct" in self.labels else "",
        )  # fmt: skip
        trainer = Trainer(
            _model(classes, dropout), rows(24, classes, 1), rows(9, classes, 2),
            labels=self.labels, config=config,
            plugins=[self.make()] if plugins is None else plugins,
        )  # fmt: skip
        trainer.run.evaluate_here = functools.partial(_stand_in, trainer.run)
        return trainer

    def own(self, trainer: Trainer) -> Plugin:
        """Return the plugin under test of a trainer."""
        return next(one for one in trainer.hooks.plugins if one.name == self.cls.name)

    def settle_on_classes(self) -> None:
        """Take two classes where three are refused; they are those of titles, so named."""
        try:
            started(self.trainer())
        except UsageError as error:
            three, self.labels = self.labels, ["wrong", "correct"]
            try:
                started(self.trainer())
            except Exception:
                self.labels = three  # it is not about the classes; the checks will tell
            else:
                self.notes.append(f"tried with two classes, for three are refused: {error}")
        except Exception:
            return  # the checks will tell


def _stand_in(run: Run) -> dict[str, float]:
    """Evaluate in no time: a value of no meaning that depends on the weights in place."""
    value = float(sum(p.detach().double().sum() for p in run.model.parameters())) % 1.0
    run.evaluations_since_best += 1
    if run.best is None or value > run.best:
        run.best, run.best_step, run.evaluations_since_best = value, run.step, 0
    return {"accuracy": value, run.metric: value}


def rows(count: int, classes: int, seed: int) -> Examples:
    """Return rows that weigh differently and whose first two tokens show the label."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % classes).astype(np.int64)
    texts = []
    for label in labels:
        words = rng.integers(5, _WORDS, rng.integers(4, 10))
        words[:2] = 5 + label
        texts.append(" ".join(map(str, words)))
    weights = 0.5 + np.arange(count, dtype=np.float32) % 4
    weights[::8] = 0.0
    return Examples(_encode(texts), labels, weights, texts=texts, encode=_encode)


def _encode(texts: Sequence[str]) -> Tokens:
    """Return the tokens of texts whose words are token numbers; other words are 1."""
    ids = [
        np.array([int(w) if w.isdecimal() and int(w) < _WORDS else 1 for w in text.split()] or [1])
        for text in texts
    ]
    offsets = np.cumsum([0, *map(len, ids)])
    return Tokens(Flat(np.concatenate(ids).astype(np.int32), offsets), None, 0)


def _model(classes: int, dropout: float) -> torch.nn.Module:
    """Return a copy of a model that is built once: in a tenth of the time, its tensors apart."""
    import torch

    pickled, tensors = _first_model(classes, dropout)
    reader = _Reader(io.BytesIO(pickled))
    reader.tensors = [
        torch.nn.Parameter(t.detach().clone()) if isinstance(t, torch.nn.Parameter) else t.clone()
        for t in tensors
    ]
    model: torch.nn.Module = reader.load()
    return model


@functools.cache
def _first_model(classes: int, dropout: float) -> tuple[bytes, list[Tensor]]:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "vocab_size": _WORDS, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 32, "num_labels": classes,
        "initializer_range": 0.3,  # wide first weights, so that rows and losses differ
    }  # fmt: skip
    config = BertConfig(**sizes, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout)
    stream = io.BytesIO()
    writer = _Writer(stream)
    writer.dump(BertForSequenceClassification(config))
    return stream.getvalue(), writer.tensors


class _Writer(pickle.Pickler):
    """Pickles in memory what this file built, tensors left out; nothing else is ever read."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.tensors: list[Tensor] = []

    def persistent_id(self, value: Any) -> int | None:
        import torch

        if not isinstance(value, torch.Tensor):
            return None
        self.tensors.append(value)
        return len(self.tensors) - 1


class _Reader(pickle.Unpickler):
    tensors: list[Tensor]

    def persistent_load(self, number: int) -> Tensor:
        return self.tensors[number]


def started(trainer: Trainer, seed: int = 7) -> Trainer:
    """Return the trainer with its random streams set and its training begun."""
    import torch

    torch.manual_seed(seed)
    trainer.run.generator.manual_seed(seed)
    trainer.run.model.train()
    trainer.hooks.call.train_start(run=trainer.run)
    return trainer


def gradients(
    trainer: Trainer, numbers: np.ndarray = ROWS, step: int = 0, seed: int = 7
) -> dict[str, Tensor]:
    """Return the true-size gradients of one batch of a fresh trainer, in step number `step`."""
    run = started(trainer, seed).run
    run.step = step
    trainer.backward(numbers)
    run.precision.unscale(run.optimizer)
    return {n: p.grad for n, p in run.model.named_parameters() if p.grad is not None}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Return whether two sets of tensors are the same bits."""
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def apart(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Return the largest difference of two sets of gradients, as a share of the largest value."""
    if one.keys() != other.keys():
        return float("inf")
    largest = max((float(value.abs().max()) for value in one.values()), default=0.0)
    most = max((float((one[n] - other[n]).abs().max()) for n in one), default=0.0)
    return most / (largest or 1.0)


def variants(trainer: Trainer, plugin: Plugin) -> list[int]:
    """Return a step number for each variant of the step, three at most."""
    first: dict[int, int] = {}
    for number in range(trainer.run.total_steps):
        first.setdefault(plugin.phase(number), number)
    return list(first.values())[:3]
