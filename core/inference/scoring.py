"""Logits for many rows: short and long ones apart, answers in input order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.plans import scoring_batches
from ..data.tokens import Tokens
from ..unpadded import PADDED, Layout, tensors

if TYPE_CHECKING:
    import torch

Forward = Callable[[dict[str, "torch.Tensor"]], "torch.Tensor"]


def score(
    forward: Forward,
    tokens: Tokens,
    device: torch.device,
    layout: Layout = PADDED,
    autocast: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
) -> np.ndarray:
    """Return logits [N, C] float32 in row order; forward(inputs of B rows) gives logits [B, C].

    The model must be in evaluation mode. Rows are grouped by length, so little is padded.
    """
    import torch

    parts, order = [], []
    # Entered once: autocast keeps the weights that it has cast until it is left.
    with torch.inference_mode(), autocast():
        for rows in scoring_batches(tokens.lengths):
            parts.append(forward(tensors(layout.inputs(tokens, rows), device)).float())
            order.append(rows)
        if not parts:
            return np.zeros((0, 0), np.float32)
        logits = torch.cat(parts).cpu()
    result = np.empty(logits.shape, np.float32)
    result[np.concatenate(order)] = logits.numpy()
    return result


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities [N, C] float64 for logits [N, C]."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True, initial=-np.inf))
    total: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return total
