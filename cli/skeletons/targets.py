"""A pipe on tensors: other targets, softened ones to begin with."""

from __future__ import annotations

MODULE = '''\
"""Other targets."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from titlekit import Plugin, hookimpl, option

if TYPE_CHECKING:
    from torch import Tensor


def soften(targets: Tensor, epsilon: float) -> Tensor:
    """Return t (1 - epsilon) + epsilon / C for class probabilities [N, C]."""
    return targets * (1 - epsilon) + epsilon / targets.shape[-1]


@dataclass(eq=False)
class $cls(Plugin):
    """Give some of each target's probability to all classes."""

    when = "a start for targets of your own"
    requires = ">=$version"

    epsilon: float = option(0.1, "probability that is given away; 0: none", min=0, max=1)

    @hookimpl(wrapper=True)
    def targets(self) -> Generator[None, Tensor, Tensor]:
        """Change what core, or the next plugin, made of the labels."""
        targets = yield
        self.count("micro-batches")
        return soften(targets, self.epsilon)
'''

# What its test imports: of others, and of the module.
OTHERS = """\
import torch
"""
OWN = "$cls, soften"

TEST = """\
def test_targets_by_hand() -> None:
    found = soften(torch.tensor([[1.0, 0.0, 0.0]]), 0.3)
    torch.testing.assert_close(found, torch.tensor([[0.8, 0.1, 0.1]]))


def test_without_epsilon_they_are_left_alone() -> None:
    targets = torch.tensor([[0.7, 0.3]])
    assert torch.equal(soften(targets, 0.0), targets)
"""
