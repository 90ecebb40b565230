"""Label smoothing."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    from torch import Tensor


def smooth(targets: Tensor, epsilon: float) -> Tensor:
    """Return t (1 - epsilon) + epsilon / C for class probabilities [N, C]: again [N, C].

    With epsilon 0 they come back bit for bit. Szegedy et al. 2016, section 7.
    """
    return targets * (1 - epsilon) + epsilon / targets.shape[-1]


@dataclass(eq=False)
class LabelSmoothing(Plugin):
    """Softer targets: a share of each is spread over all classes.

    t (1 - epsilon) + epsilon / C, with C classes. It acts on the targets and not on the loss, so
    it stacks with every loss.
    """

    layout = "any"
    capture_safe = True
    when = "the model is too sure of itself, or some labels are wrong"
    paper = "Szegedy et al. 2016, Rethinking the Inception Architecture, arXiv 1512.00567"

    epsilon: float = option(0.1, "share spread over all classes; 0: none", min=0, max=1)

    @hookimpl(wrapper=True)
    def targets(self) -> Generator[None, Tensor, Tensor]:
        """Soften what the targets are so far."""
        hard = yield
        soft = smooth(hard, self.epsilon)
        self.count("rows smoothed", (soft != hard).any(-1).sum())
        return soft
