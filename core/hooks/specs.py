"""Every hook there is, and when it fires.

Three shapes, no fourth: a *slot* takes one plugin (core's default fills it otherwise), a *pipe*
is core's default wrapped by any number of plugins, a *notice* calls them all. A run:

    prepare_model(model)                                                   notice
    criterion, param_groups, optimizer, schedule, precision                slots, once
    train_start(run)                                                       notice
    for each epoch:
        augment(texts, labels, rng)                                        pipe
        sampling(labels, rng)                                              slot
        for each optimizer step (a batch):
            for each micro-batch:
                targets(labels, num_classes, soft)                         pipe
                backward(step)                                             pipe, slot adversary
                    objective(step)                                        pipe
                        step.forward(): model in autocast, criterion in float32
                    precision.scale(sum(w * losses) / sum(w of the batch)).backward()
            precision.unscale -> clip -> stepped = precision.step -> schedule moves if stepped
            after_step(run, stepped)                                       notice
            if an evaluation is due:
                evaluate(run)                                              pipe
                    metrics, and the best weights are kept, inside the pipe
                should_stop(run, metrics)                                  notice, reasons collected
            on_log(run, record)                                            notice, when logged
    train_end(run)                                                         notice

An implementation may take fewer arguments than its hook has, and none with a default. Plugins
that wrap a pipe are ordered by slot and name, never by the order in which they were listed.
"""

# mypy: disable-error-code="empty-body"
# Hook specifications have a docstring for a body; pluggy reads the signature alone.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from .precision import Precision
    from .run import Run
    from .step import Output, Step

hookspec = pluggy.HookspecMarker("titlekit")
hookimpl = pluggy.HookimplMarker("titlekit")

SLOTS: dict[str, str] = {
    "criterion": "loss",
    "param_groups": "groups",
    "optimizer": "optimizer",
    "schedule": "schedule",
    "precision": "precision",
    "sampling": "sampling",
}
PIPES: dict[str, str | None] = {
    "targets": None,
    "objective": None,
    "backward": "adversary",
    "evaluate": None,
    "augment": None,
}
NOTICES = ("prepare_model", "train_start", "after_step", "on_log", "should_stop", "train_end")
SLOT_ORDER = (
    "loss", "groups", "optimizer", "schedule", "precision", "sampling", "adversary",
    "average",  # has no hook of its own: two averages cannot both be what is evaluated
)  # fmt: skip


class Specs:
    """The hooks, by name; a plugin's method of the same name marked @hookimpl implements one."""

    # Slots: the one plugin of that slot answers, else core's default.

    @hookspec(firstresult=True)
    def criterion(
        self, labels: Sequence[str], class_counts: Sequence[int]
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """Slot loss: return f(logits [N, C] float32, targets [N, C]) -> losses [N].

        `labels` are the class names, `class_counts` their training rows, in label order. Targets
        are class probabilities (one-hot unless the rows bring soft ones or a plugin softens them).
        Never average: core alone weights and divides.
        """

    @hookspec(firstresult=True)
    def param_groups(
        self, model: torch.nn.Module, lr: float, weight_decay: float
    ) -> list[dict[str, Any]]:
        """Slot groups: return optimizer groups, each with params, lr, weight_decay and name.

        Every trainable parameter must stand in exactly one group.
        """

    @hookspec(firstresult=True)
    def optimizer(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Slot optimizer: return a torch optimizer over the groups (default: AdamW, fused)."""

    @hookspec(firstresult=True)
    def schedule(self, total_steps: int, warmup_steps: int) -> Sequence[float]:
        """Slot schedule: return total_steps + 1 factors of the learning rate, by real step.

        Entry k multiplies every group's rate at the step that follows k real steps; a step that
        the scaler skips is not real.
        """

    @hookspec(firstresult=True)
    def precision(self, device: torch.device) -> Precision:
        """Slot precision: return how to autocast, scale, unscale and step (default: float32)."""

    @hookspec(firstresult=True)
    def sampling(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Slot sampling: return the row numbers of one epoch, the same count in every epoch.

        `labels` [N] int64 are class indices; `rng` belongs to (seed, "sampling", epoch).
        """

    # Pipes: core's default, wrapped by plugins with @hookimpl(wrapper=True).

    @hookspec(firstresult=True)
    def targets(self, labels: Tensor, num_classes: int, soft: Tensor | None) -> Tensor:
        """Pipe: return class probabilities [N, C] for labels [N].

        `soft` [N, C] float32 are the rows' own probabilities where the training data has them
        (--soft-targets), else None. Default: `soft` where it is given, else one-hot.
        """

    @hookspec(firstresult=True)
    def objective(self, step: Step) -> Output:
        """Pipe: return the losses [N] and logits [N, C] of one micro-batch.

        Called again by an adversary for each of its passes.
        """

    @hookspec(firstresult=True)
    def backward(self, step: Step) -> Tensor:
        """Pipe, slot adversary: add this micro-batch's gradients, return its losses [N], detached.

        A wrapper runs further passes after its ``yield`` with ``step.objective()`` and
        ``step.backward(losses)``; what it borrowed it restores in a ``finally``.
        """

    @hookspec(firstresult=True)
    def evaluate(self, run: Run) -> dict[str, float]:
        """Pipe: return the metrics of the validation rows; better weights are kept inside.

        A wrapper that swaps weights in puts the raw ones back in a ``finally``.
        """

    @hookspec(firstresult=True)
    def augment(
        self, texts: list[str], labels: np.ndarray, rng: Callable[[str], np.random.Generator]
    ) -> list[str]:
        """Pipe: return as many texts, once an epoch, from the training rows only.

        Must be pure: take randomness from ``rng(NAME)``, the stream of (seed, NAME, epoch).
        """

    # Notices: all run.

    @hookspec
    def prepare_model(self, model: torch.nn.Module) -> None:
        """Notice: change the loaded model before groups are made (freeze, checkpointing)."""

    @hookspec
    def train_start(self, run: Run) -> None:
        """Notice: everything is built and any saved state is loaded; the first step follows."""

    @hookspec
    def after_step(self, run: Run, stepped: Tensor) -> None:
        """Notice: one optimizer step is over; `stepped` is a 0-dim bool tensor on the device.

        False: the scaler found an overflow and the parameters did not move.
        """

    @hookspec
    def on_log(self, run: Run, record: Mapping[str, Any]) -> None:
        """Notice: a record was written to metrics.jsonl (JSON values)."""

    @hookspec
    def should_stop(self, run: Run, metrics: Mapping[str, float]) -> str | None:
        """Notice, collected: after an evaluation, return a reason to stop, or None."""

    @hookspec
    def train_end(self, run: Run) -> None:
        """Notice: the loop is over and the best weights are loaded."""
