"""What happens when a batch does not fit: smaller micro-batches where exact, else advice."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import RunError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ..hooks.run import Run
    from .trainer import Trainer

log = logging.getLogger("titlekit")


def backward_in_memory(trainer: Trainer, rows: np.ndarray) -> Tensor:
    """Add the gradients of a batch; return its loss, detached.

    Where memory runs out the batch is cut into twice as many micro-batches and begun again, for
    the rest of the run, if every plugin adds up exactly. Raises RunError, with what to change,
    where one does not or where a micro-batch is a single row.
    """
    run = trainer.run
    while True:
        # A counter's tensor is replaced when it grows, never written: this keeps the old ones.
        before = [(plugin, dict(vars(plugin).get("_counters", {}))) for plugin in run.hooks.plugins]
        forwards = run.forwards
        try:
            return trainer.backward(rows)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if not _can_halve(trainer, len(rows)):
                raise memory_advice(trainer, len(rows)) from error
        # Outside of the except block: the failed pass and its tensors are gone by now.
        run.optimizer.zero_grad(set_to_none=True)
        for plugin, counters in before:
            vars(plugin)["_counters"] = counters
        run.forwards = forwards
        _halve(trainer)


def say_what_is_cut(run: Run) -> None:
    """Say which plugins see the parts of a batch, and not the whole, where it is cut into some."""
    for plugin in run.hooks.plugins:
        if run.micro_batches > 1 and not plugin.accumulates():
            log.info(
                "%s acts on each of the %d micro-batches by itself: the mean of those, not "
                "the whole batch at once", plugin.name, run.micro_batches,
            )  # fmt: skip


@contextlib.contextmanager
def advised() -> Iterator[None]:
    """Turn memory that runs out between the passes (optimizer, evaluation) into advice."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise RunError(
            "memory ran out between the passes, where the weights, their gradients and the "
            "optimizer's moments count and the batch does not; try --plugins lora, "
            "--plugins freeze, or a smaller --model"
        ) from error


def out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that memory ran out, on the GPU or the CPU."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "alloc" in str(error) and "memory" in str(error)


def memory_advice(trainer: Trainer, rows: int) -> RunError:
    """Return the error for `rows` of a batch that do not fit, with what to change."""
    parts = trainer.run.micro_batches
    width = int(trainer.feed.tokens.lengths.max())
    each = -(-rows // parts)
    ways = [
        "a smaller --max-length", "a smaller --batch-size", "--plugins checkpointing",
        "--plugins amp", "a smaller --model",
    ]  # fmt: skip
    named = {plugin.name for plugin in trainer.hooks.plugins}
    ways = [way for way in ways if way.removeprefix("--plugins ") not in named]
    if each > 1:
        inexact = [plugin.name for plugin in trainer.hooks.plugins if not plugin.accumulates()]
        told = f"{' and '.join(inexact)} then {'act' if len(inexact) > 1 else 'acts'} on each part"
        ways.insert(0, f"--grad-accum {2 * parts}" + (f" ({told})" if inexact else ""))
    counted = "1 row" if each == 1 else f"{each} rows"
    return RunError(
        f"memory ran out on {counted} of at most {width} tokens in one pass; try "
        f"{', '.join(ways[:-1])}, or {ways[-1]}"
    )


def _can_halve(trainer: Trainer, rows: int) -> bool:
    exact = all(plugin.accumulates() for plugin in trainer.hooks.plugins)
    return exact and trainer.run.micro_batches < rows


def _halve(trainer: Trainer) -> None:
    import torch

    run = trainer.run
    run.micro_batches = min(2 * run.micro_batches, trainer.config.batch_size)
    if run.device.type == "cuda":
        torch.cuda.empty_cache()  # blocks of the old sizes would be in the way of the new ones
    log.warning(
        "memory ran out; each batch is cut into %d micro-batches from here on, with the same "
        "gradients (--grad-accum %d does so from the start)", run.micro_batches, run.micro_batches,
    )  # fmt: skip
