"""Frozen embeddings and lower layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.encoder import depths
from ..core.errors import UsageError
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    import torch


@dataclass(eq=False)
class Freeze(Plugin):
    """Keep the embeddings and the lowest layers as they are.

    Frozen parameters get no gradient, no optimizer state and no weight decay; dropout still acts
    in frozen layers. Embeddings are those of words and positions with their norms. An attack on a
    frozen table is refused; attack the inputs instead (at=inputs).
    """

    layout = "any"
    capture_safe = True
    when = "few training rows, or less time and memory a step"
    paper = "Lee et al. 2019, What Would Elsa Do? Freezing Layers During Transformer Fine-Tuning, "
    paper += "arXiv 1911.03090"

    layers: int = option(0, "lowest layers that are frozen", min=0)
    embeddings: bool = option(True, "whether the embeddings are frozen")

    @hookimpl
    def prepare_model(self, model: torch.nn.Module) -> None:
        """Let the frozen parameters need no gradient."""
        if not self.layers and not self.embeddings:
            return
        places, layers = depths(model)
        if not layers:
            raise UsageError("freeze: no layers were found in this model; train it without freeze")
        applied = int(getattr(model.config, "num_hidden_layers", layers))
        if self.layers and applied > layers:
            raise UsageError(
                f"freeze.layers: the {applied} layers of this encoder share "
                f"{layers} set{'s' * (layers > 1)} of weights, so the lowest cannot be frozen "
                "alone; layers=0 freezes the embeddings"
            )
        if self.layers > layers:
            raise UsageError(
                f"freeze.layers: expected at most {layers}, the layers of this encoder; got "
                f"{self.layers}"
            )
        lowest = 0 if self.embeddings else 1
        for name, parameter in model.named_parameters():
            if lowest <= places[name] <= self.layers:
                parameter.requires_grad_(False)
                self.count("frozen parameters", parameter.numel())
