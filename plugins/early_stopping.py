"""Early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    from ..core.hooks.run import Run


@dataclass(eq=False)
class EarlyStopping(Plugin):
    """Stop when the metric has not improved for some evaluations.

    The bar is core's own: --metric must gain more than --min-delta over the best so far. The best
    weights are kept with or without this plugin.
    """

    layout = "any"
    capture_safe = True
    when = "you do not know how many epochs are enough"
    paper = "Prechelt 1998, Early Stopping - But When?"

    patience: int = option(3, "evaluations without a gain before stopping", min=1)

    @hookimpl
    def should_stop(self, run: Run, metrics: Mapping[str, float]) -> str | None:
        """Return a reason once the patience is used up."""
        self.count("evaluations watched")
        if run.evaluations_since_best < self.patience or run.best is None:
            return None
        return f"{run.metric} not better than {run.best:.4f} for {self.patience} evaluations"
