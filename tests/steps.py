"""A trainer on random tokens: no files, no tokenizer, milliseconds a step."""

from __future__ import annotations

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from titlekit import TrainConfig, Trainer
from titlekit.core.data.tokens import Examples, Flat, Tokens
from titlekit.core.hooks.registry import create
from titlekit.core.hooks.spelling import parse

NAMES = ["a", "b", "c"]


def small_model(dropout: float = 0.0, classes: int = 3, seed: int = 0):
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32, num_labels=classes,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    return BertForSequenceClassification(config)


def random_rows(rows: int = 24, classes: int = 3, seed: int = 1, weights=None) -> Examples:
    """Rows whose label shows in their tokens, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    lengths = rng.integers(4, 10, rows)
    ids = [rng.integers(5, 60, length) for length in lengths]
    for row, label in zip(ids, labels, strict=True):
        row[:2] = 5 + label
    offsets = np.concatenate([[0], lengths.cumsum()])
    flat = Flat(np.concatenate(ids).astype(np.int32), offsets)
    return Examples(Tokens(flat, None, 0), labels.astype(np.int64), weights)


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


def equal(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)
