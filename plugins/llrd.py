"""Layer-wise learning-rate decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.encoder import depths
from ..core.errors import UsageError
from ..core.hooks.defaults import decay_groups
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    import torch


@dataclass(eq=False)
class Llrd(Plugin):
    """Smaller learning rates for lower layers (layer-wise decay).

    Layer i of L learns at lr decay^(L - i), the embeddings at lr decay^L, the head at
    lr head_multiplier. rates="2e-5:3e-5:5e-5" instead gives embeddings with the lower half of the
    layers, the upper half, and the head their own rates; --lr then has no effect.
    """

    slot = "groups"
    layout = "any"
    capture_safe = True
    when = "keep what the encoder knows and let the top adapt"
    paper = "Howard and Ruder 2018, ULMFiT, arXiv 1801.06146; Sun et al. 2019, arXiv 1905.05583"

    decay: float = option(0.95, "factor from one layer to the next below; 1: none", min=0, max=1)
    head_multiplier: float = option(1.0, "factor of the head's rate", min=0)
    rates: str = option("", "three rates, embeddings and lower half:upper half:head")

    @hookimpl
    def param_groups(
        self, model: torch.nn.Module, lr: float, weight_decay: float
    ) -> list[dict[str, Any]]:
        """Return groups from the embeddings up to the head."""
        bands = self._bands()
        places, layers = depths(model)
        parameters = dict(model.named_parameters())
        groups = []
        for depth in range(layers + 2):
            members = [parameters[name] for name, place in places.items() if place == depth]
            if bands:
                rate = bands[2] if depth > layers else bands[int(depth > layers // 2)]
            elif depth > layers:
                rate = lr * self.head_multiplier
            else:
                rate = lr * self.decay ** (layers - depth)
            name = "embeddings" if depth == 0 else "head" if depth > layers else f"layer {depth}"
            groups.extend(decay_groups(name, members, rate, weight_decay))
        self.count("groups", len(groups) - self.counts().get("groups", 0))
        return groups

    def _bands(self) -> list[float]:
        if not self.rates:
            return []
        try:
            bands = [float(part) for part in self.rates.split(":")]
        except ValueError:
            bands = []
        if len(bands) != 3 or any(not 0 <= rate < 1 for rate in bands):
            raise UsageError(
                f"llrd.rates: expected three rates such as 2e-5:3e-5:5e-5, got {self.rates!r}"
            )
        return bands
