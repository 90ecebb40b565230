"""The base class of every plugin."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, ClassVar

from ..options import options_of

if TYPE_CHECKING:
    from torch import Tensor


def kebab(name: str) -> str:
    """Return the words of a class's name in lower case, joined by hyphens."""
    between = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
    return re.sub(between, "-", name).lower()


class Plugin:
    """A named technique: a ``@dataclass(eq=False)`` with options and @hookimpl methods.

    The docstring's first line is the summary that ``titlekit plugins`` shows.
    """

    name: str = ""  # the entry point's or file's name; without the registry the class's own
    slot: ClassVar[str | None] = None  # what it fills alone; None: stacks with anything
    paper: ClassVar[str] = ""  # where the technique and its formula come from
    when: ClassVar[str] = ""  # one line that tells a newcomer when to use it
    layout: ClassVar[str] = "padded"  # "any" if it also works on packed batches
    capture_safe: ClassVar[bool] = False  # no host read, no Python state on the hot path
    requires: ClassVar[str] = ""  # which titlekit it works with, e.g. ">=0.1,<2"; empty: any

    def __init_subclass__(cls) -> None:
        """Name the class after itself: EarlyStopping is early-stopping."""
        super().__init_subclass__()
        if "name" not in vars(cls):
            cls.name = kebab(cls.__name__)

    def passes(self) -> float:
        """Return forward passes per micro-batch, on average, with this plugin alone (plain: 1)."""
        return 1.0

    def accumulates(self) -> bool:
        """Return whether the micro-batches of a batch add up to the whole batch exactly."""
        return True

    def phase(self, number: int) -> int:
        """Return which variant of the step runs at step `number`; a number for each variant."""
        return 0

    def state_dict(self) -> dict[str, Any]:
        """Return what must survive a restart: tensors and plain values, nothing else."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what state_dict() returned."""

    def count(self, what: str, amount: Tensor | int = 1) -> None:
        """Add to a counter that run.json shows; a tensor is added without a host read."""
        counters = vars(self).setdefault("_counters", {})
        # A 0-dim tensor is added on its own device: no synchronisation on the hot path.
        counters[what] = counters.get(what, 0) + amount

    def counts(self) -> dict[str, int]:
        """Return the counters as numbers (reads the device)."""
        return {what: int(value) for what, value in vars(self).get("_counters", {}).items()}

    def set_counts(self, counts: dict[str, int]) -> None:
        """Set the counters, e.g. on resume."""
        vars(self)["_counters"] = dict(counts)

    def options(self) -> dict[str, Any]:
        """Return the values of the declared options."""
        return {name: getattr(self, name) for name in options_of(type(self))}

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring."""
        return (inspect.getdoc(cls) or "").split("\n")[0] if cls.__doc__ else ""

    @classmethod
    def description(cls) -> str:
        """Return the docstring after its first line."""
        return "\n".join((inspect.getdoc(cls) or "").split("\n")[1:]).strip()
