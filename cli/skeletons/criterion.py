"""A slot: a loss, with PolyLoss to begin with."""

from __future__ import annotations

MODULE = '''\
"""A loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from titlekit import Plugin, hookimpl, option

if TYPE_CHECKING:
    from torch import Tensor


def poly(logits: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    """Return losses [N]: -log p + epsilon (1 - p), each the mean over the target's classes."""
    log_p = logits.log_softmax(-1)
    return -(targets * log_p).sum(-1) + epsilon * (1 - (targets * log_p.exp()).sum(-1))


@dataclass(eq=False)
class $cls(Plugin):
    """Cross-entropy plus epsilon (1 - p), the first term of PolyLoss."""

    slot = "loss"
    when = "a start for a loss of your own"
    paper = "Leng et al. 2022, PolyLoss, arXiv 2204.12511"
    requires = ">=$version"
    capture_safe = True

    epsilon: float = option(1.0, "factor of 1 - p; 0: cross-entropy", min=-1)

    @hookimpl
    def criterion(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Return f(logits [N, C], class probabilities [N, C]) -> losses [N], not averaged."""
        self.count("losses set")
        return lambda logits, targets: poly(logits, targets, self.epsilon)
'''

# What its test imports: of others, and of the module.
OTHERS = """\
import math

import pytest
import torch
"""
OWN = "$cls"

TEST = """\
def test_a_loss_by_hand() -> None:
    loss = $cls(epsilon=2.0).criterion()
    losses = loss(torch.tensor([[0.0, math.log(3.0)]]), torch.tensor([[1.0, 0.0]]))  # p = 1/4
    assert losses.tolist() == pytest.approx([math.log(4.0) + 2.0 * 3 / 4])


def test_without_epsilon_it_is_cross_entropy() -> None:
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    plain = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    loss = $cls(epsilon=0.0).criterion()
    torch.testing.assert_close(loss(logits, torch.eye(3)[labels]), plain)
"""
