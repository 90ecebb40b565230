"""Faults that would otherwise pass unnoticed, said in words with what to try."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import RunError

if TYPE_CHECKING:
    import numpy as np

    from ..hooks.plugin import Plugin
    from ..hooks.run import Run

log = logging.getLogger("titlekit")

SKIPS = 10  # skipped steps running that are worth a word
BEGINNING = 20  # steps in which a model may well answer one class


class Watch:
    """Looks at what the loop reports; state_dict() goes into the saved state."""

    def __init__(self) -> None:
        self.skipped = 0
        self.collapsed = False

    def after_steps(self, run: Run, loss: float, norm: float, tried: int, real: int) -> None:
        """Stop a run whose loss or gradient is not finite; warn of a scaler that keeps skipping.

        loss and norm over the real ones of the steps tried since the last call.
        """
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient norm is {norm}"
            kept = (
                f"the best weights so far are those of step {run.best_step}"
                if run.best_step
                else "no evaluation came before it"
            )
            raise RunError(
                f"the {what} at step {run.step}, so the weights are lost from here on ({kept}); "
                "try a lower --lr, --max-grad-norm 1, a longer --warmup-ratio"
                + (", --set amp.dtype=bf16" if run.precision.name == "fp16" else "")
            )
        before = self.skipped
        self.skipped = 0 if real else self.skipped + tried
        if before < SKIPS <= self.skipped:
            log.warning(
                "%d steps running were skipped because gradients overflow in %s: nothing is "
                "learnt; try --set amp.dtype=bf16, a lower --lr, or train without amp",
                self.skipped, run.precision.name,
            )  # fmt: skip

    def after_evaluation(self, predicted: np.ndarray, labels: np.ndarray, run: Run) -> None:
        """Warn when a validation of several classes is answered with one."""
        answers, truth = set(predicted.tolist()), set(labels.tolist())
        if len(answers) > 1 or len(truth) < 2:
            self.collapsed = False
        elif not self.collapsed and run.step >= min(BEGINNING, run.total_steps):
            self.collapsed = True
            log.warning(
                "step %d: every one of the %d validation rows is answered %r: the model has not "
                "learnt, or has collapsed; try a lower --lr, a longer --warmup-ratio, more epochs, "
                "or fewer plugins",
                run.step, len(labels), run.labels[next(iter(answers))],
            )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """Return the running counts."""
        return {"skipped": self.skipped, "collapsed": self.collapsed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over saved counts."""
        self.skipped, self.collapsed = state["skipped"], state["collapsed"]


def idle(plugins: Sequence[Plugin]) -> list[str]:
    """Return the names of plugins whose counters say that they did nothing."""
    return [plugin.name for plugin in plugins if not any(plugin.counts().values())]
