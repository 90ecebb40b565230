"""Which rows each step takes, and the tensors of its micro-batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..data.plans import random_batches, similar_batches, steps_per_epoch, stream
from ..data.tokens import Examples, Tokens
from ..errors import DataError, UsageError
from ..unpadded import PADDED, Layout, tensors, to_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..hooks.assembly import Hooks


class Feed:
    """The training rows in the order of a run; every step can be named without the ones before."""

    def __init__(
        self,
        examples: Examples,
        hooks: Hooks,
        batch_size: int,
        seed: int,
        layout: Layout = PADDED,
    ) -> None:
        self.examples, self.hooks, self.layout = examples, hooks, layout
        self.batch_size, self.seed = batch_size, seed
        self.weights = np.ones(len(examples), np.float32)
        if examples.weights is not None:
            self.weights = examples.weights.astype(np.float32)
            if not self.weights.any():
                raise DataError("all training rows weigh 0; expected some above 0")
        self.epoch = -1
        self.tokens: Tokens = examples.tokens
        self.batches: list[np.ndarray] = []
        self.drawn = len(self._draw(0))
        self.steps_per_epoch = steps_per_epoch(self.drawn, batch_size)

    def batch(self, step: int) -> np.ndarray:
        """Return the row numbers of an optimizer step, counted over the whole run."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self.epoch:
            self._begin(epoch)
        return self.batches[place]

    def total_weight(self, rows: np.ndarray) -> float:
        """Return the sum of a batch's weights, which its losses are divided by.

        1 where all of them are 0: the loss and the gradient are then 0, and not 0 / 0.
        """
        return float(self.weights[rows].sum(dtype=np.float64)) or 1.0

    def widest(self) -> np.ndarray:
        """Return the longest rows, as many as a batch holds: no real batch is wider."""
        lengths = self.tokens.lengths
        return np.argsort(lengths, kind="stable")[-min(self.batch_size, len(lengths)) :]

    def micro_batches(
        self, rows: np.ndarray, count: int, device: torch.device
    ) -> Iterator[tuple[dict[str, Tensor], Tensor, Tensor, Tensor | None, Tensor]]:
        """Give (inputs, rows [N], labels [N], soft [N, C], weights [N]) of each part.

        `inputs` are those of Layout.inputs; rows come in the order that it wants them in.

        `soft` are the rows' own class probabilities, None where they have none.
        """
        import torch

        targets = self.examples.targets
        for part in np.array_split(rows, min(count, len(rows))):
            part = self.layout.arrange(self.tokens, part)
            inputs = tensors(self.layout.inputs(self.tokens, part), device)
            yield (
                inputs,
                torch.from_numpy(part.astype(np.int64)),
                to_device(self.examples.labels[part], device),
                None if targets is None else to_device(targets[part], device),
                to_device(self.weights[part], device),
            )

    def _begin(self, epoch: int) -> None:
        self.epoch = epoch
        if self.hooks.wrapped("augment"):
            self.tokens = self._augmented(epoch)
        order = self._draw(epoch)
        if len(order) != self.drawn:
            raise UsageError(
                f"{self.hooks.owner('sampling')}: sampling returned {len(order)} rows in epoch "
                f"{epoch} and {self.drawn} in epoch 0; expected the same count in every epoch"
            )
        if self.layout.unpadded:
            self.batches = random_batches(order, self.batch_size)
        else:
            rng = stream(self.seed, "batches", epoch)
            self.batches = similar_batches(order, self.tokens.lengths, self.batch_size, rng)

    def _draw(self, epoch: int) -> np.ndarray:
        rng = stream(self.seed, "sampling", epoch)
        order = np.asarray(self.hooks.call.sampling(labels=self.examples.labels, rng=rng))
        rows = len(self.examples)
        if order.ndim != 1 or order.dtype.kind not in "iu" or not len(order):
            raise UsageError(
                f"{self.hooks.owner('sampling')}: sampling must return row numbers [M], got "
                f"{order.dtype} of shape {order.shape}"
            )
        if order.min() < 0 or order.max() >= rows:
            raise UsageError(
                f"{self.hooks.owner('sampling')}: sampling returned a row outside 0 to {rows - 1}"
            )
        return order

    def _augmented(self, epoch: int) -> Tokens:
        texts, encode = self.examples.texts, self.examples.encode
        if texts is None or encode is None:
            raise UsageError("augment needs the texts: give Examples its texts and encode")
        new = self.hooks.call.augment(
            texts=list(texts),
            labels=self.examples.labels,
            rng=lambda name: stream(self.seed, name, epoch),
        )
        if len(new) != len(texts):
            raise UsageError(
                f"{' and '.join(self.hooks.order('augment')[:-1])}: augment returned {len(new)} "
                f"texts for {len(texts)}; expected as many"
            )
        return encode(new)
