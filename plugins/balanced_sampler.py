"""Epochs in which all classes are equally frequent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl

if TYPE_CHECKING:
    import numpy as np

    from ..core.hooks.run import Run


def balanced_rows(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return N row numbers in random order, every class N // C times or once more.

    `labels` [N]: class numbers; C classes have rows. A class's rows are dealt in shuffled rounds,
    so that any two rows of it are drawn equally often, or one of them once more.
    """
    import numpy as np

    classes = rng.permutation(np.unique(labels))
    each, more = divmod(len(labels), len(classes))
    drawn = []
    for place, label in enumerate(classes):
        members = np.flatnonzero(labels == label)
        wanted = each + (place < more)
        rounds = np.tile(members, (-(-wanted // len(members)), 1))
        drawn.append(rng.permuted(rounds, axis=1).ravel()[:wanted])
    return rng.permutation(np.concatenate(drawn))


@dataclass(eq=False)
class BalancedSampler(Plugin):
    """Draw every class equally often in each epoch.

    An epoch has as many rows as the training set, N // C of each class or one more. Rows of small
    classes repeat, evenly; of large classes another random part is drawn in every epoch.
    """

    slot = "sampling"
    layout = "any"
    capture_safe = True
    when = "one class is rare and batches hardly ever show it"
    paper = "Buda et al. 2018, A Systematic Study of the Class Imbalance Problem, arXiv 1710.05381"

    @hookimpl
    def sampling(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the rows of one epoch."""
        return balanced_rows(labels, rng)

    @hookimpl
    def on_log(self, run: Run) -> None:
        """Show the epochs begun so far."""
        # Set here, not added up in sampling: a resumed run asks for its epoch once more.
        name = "epochs drawn"
        self.count(name, math.ceil(run.epoch) - self.counts().get(name, 0))
