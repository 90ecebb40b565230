"""Two plugins for titlekit: a loss, and a notice with state."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from titlekit import Plugin, Run, UsageError, hookimpl, option

if TYPE_CHECKING:
    from torch import Tensor


def squentropy(logits: Tensor, targets: Tensor, weight: float) -> Tensor:
    """Return -sum_c t_c log p_c + weight sum_c (1 - t_c) z_c^2 / (C - 1): losses [N].

    logits z and class probabilities t, both [N, C]. Hui et al. 2023 have weight 1 and targets that
    are one class each: the sum is then over the other classes.
    """
    entropy = -(targets * logits.log_softmax(-1)).sum(-1)
    squares = ((1 - targets) * logits.square()).sum(-1) / (targets.shape[-1] - 1)
    return entropy + weight * squares


@dataclass(eq=False)
class Squentropy(Plugin):
    """Cross-entropy plus the mean square of the other classes' logits."""

    slot = "loss"
    layout = "any"
    capture_safe = True
    when = "probabilities should fit how often the model is right"
    paper = "Hui, Belkin and Wright 2023, Cut your Losses with Squentropy, arXiv 2302.03952"
    requires = ">=0.1"

    weight: float = option(1.0, "factor of the squares; 0: cross-entropy", min=0)

    @hookimpl
    def criterion(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the loss of each row; core alone weighs and divides."""
        self.count("losses set")
        return lambda logits, targets: squentropy(logits, targets, self.weight)


def known(value: object) -> object:
    """Return the value; None if it is undefined, as the precision of a class nobody predicts."""
    return None if isinstance(value, float) and math.isnan(value) else value


@dataclass(eq=False)
class Curve(Plugin):
    """Write losses and metrics to a csv file while the run goes on.

    One row a record: at each evaluation, and every 50 steps between. Columns are step, epoch, loss,
    learning_rate and the metrics of the validation rows. The file is written anew each time, rows
    of before a restart among them, so that it can be opened at any moment.
    """

    layout = "any"
    capture_safe = True
    when = "to look at a run in a spreadsheet while it goes on"
    requires = ">=0.1"

    file: str = option("curve.csv", "the csv file; one that is there is written over")

    def __post_init__(self) -> None:
        """Start with no row."""
        self.rows: list[dict[str, Any]] = []

    @hookimpl
    def train_start(self, run: Run) -> None:
        """Refuse a file that cannot be written, and start anew in a new run."""
        if not Path(self.file).absolute().parent.is_dir():
            raise UsageError(f"curve.file: there is no folder for {self.file!r}")
        if run.step == 0:
            self.rows = []

    @hookimpl
    def on_log(self, record: Mapping[str, Any]) -> None:
        """Add a row, and write all of them."""
        kept = ("step", "epoch", "loss", "learning_rate")
        row = {name: record[name] for name in kept if name in record}
        row |= {name: value for name, value in record.items() if name.startswith("valid_")}
        self.rows.append({name: known(value) for name, value in row.items()})
        self.count("rows")
        # An evaluation has columns that other records lack.
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        with Path(self.file).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(self.rows)

    def state_dict(self) -> dict[str, Any]:
        """Return the rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on after the rows of before a restart."""
        self.rows = list(state["rows"])
