"""A trainer on random tokens: no files, no tokenizer, milliseconds a step."""

from __future__ import annotations

import functools
import io
import pickle

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from titlekit import TrainConfig, Trainer
from titlekit.core.data.tokens import Examples, Flat, Tokens
from titlekit.core.hooks.registry import create
from titlekit.core.hooks.spelling import parse

NAMES = ["a", "b", "c"]


def small_model(dropout: float = 0.0, classes: int = 3, seed: int = 0):
    pickled, tensors = _first_model(dropout, classes, seed)
    copy = _Unpickler(io.BytesIO(pickled))
    copy.tensors = [
        torch.nn.Parameter(t.detach().clone()) if isinstance(t, torch.nn.Parameter) else t.clone()
        for t in tensors
    ]
    torch.manual_seed(seed)
    return copy.load()


@functools.cache
def _first_model(dropout: float, classes: int, seed: int) -> tuple[bytes, list[torch.Tensor]]:
    """A model in pickled form, its tensors apart: a copy takes a tenth of the time to build one."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32, num_labels=classes,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    stream = io.BytesIO()
    pickler = _Pickler(stream)
    pickler.dump(BertForSequenceClassification(config))
    return stream.getvalue(), pickler.tensors


class _Pickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.tensors: list[torch.Tensor] = []

    def persistent_id(self, value):
        if not isinstance(value, torch.Tensor):
            return None
        self.tensors.append(value)
        return len(self.tensors) - 1


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, number):
        return self.tensors[number]


def random_rows(rows: int = 24, classes: int = 3, seed: int = 1, weights=None) -> Examples:
    """Rows whose label shows in their tokens, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    lengths = rng.integers(4, 10, rows)
    ids = [rng.integers(5, 60, length) for length in lengths]
    for row, label in zip(ids, labels, strict=True):
        row[:2] = 5 + label
    texts = [" ".join(map(str, row)) for row in ids]
    tokens, numbers = read_numbers(texts), labels.astype(np.int64)
    return Examples(tokens, numbers, weights, texts=texts, encode=read_numbers)


def read_numbers(texts) -> Tokens:
    """The tokens of texts whose words are token numbers; other words are 1."""
    ids = [
        np.array([int(w) if w.isdecimal() and int(w) < 60 else 1 for w in text.split()], np.int32)
        for text in texts
    ]
    offsets = np.cumsum([0, *map(len, ids)])
    return Tokens(Flat(np.concatenate(ids), offsets), None, 0)


def plugins(text: str):
    return [create(call) for call in parse(text)]


def small_trainer(spelling="", *, rows=24, dropout=0.0, weights=None, made=None, **options):
    """A Trainer of the plugins that `spelling` names, or of those in `made`."""
    valid = options.pop("valid", random_rows(20, seed=2))
    folder = options.pop("folder", None)
    defaults = {"lr": 1e-3, "batch_size": 8, "epochs": 2.0, "eval_every": 0.5, "warmup_ratio": 0.1}
    return Trainer(
        small_model(dropout), random_rows(rows, weights=weights), valid, labels=NAMES,
        config=TrainConfig(**{**defaults, **options}), folder=folder,
        plugins=plugins(spelling) if made is None else made,
    )  # fmt: skip


def gradients(trainer, rows=None) -> dict[str, torch.Tensor]:
    """The gradients of one batch, true size, as training would leave them before clipping."""
    run = trainer.run
    run.model.train()
    run.optimizer.zero_grad(set_to_none=True)
    torch.manual_seed(7)
    trainer.backward(np.arange(8) if rows is None else np.asarray(rows))
    run.precision.unscale(run.optimizer)
    return {n: p.grad.clone() for n, p in run.model.named_parameters() if p.grad is not None}


def weights_of(model) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def largest_difference(one, other) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def first_ids(inputs) -> torch.Tensor:
    """The first token of each row [N, 1], padded or not."""
    ids, starts = inputs["input_ids"], inputs.get("unpadded_starts")
    return ids[:, :1] if starts is None else ids[0, starts][:, None]


def equal(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)
