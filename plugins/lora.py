"""Low-rank adaptation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.encoder import depths
from ..core.errors import UsageError, nearest
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.libraries import is_installed
from ..core.options import option

if TYPE_CHECKING:
    import torch

    from ..core.hooks.run import Run


def linear_layers(model: torch.nn.Module) -> list[str]:
    """Return the names of the linear layers, trained so far, inside the encoder's layers."""
    from torch import nn

    places, layers = depths(model)
    parameters = dict(model.named_parameters())
    return [
        name
        for name, module in model.named_modules()
        # Not its subclasses: who computes with their weights need not call them.
        if type(module) is nn.Linear
        and 1 <= places.get(f"{name}.weight", 0) <= layers
        and parameters[f"{name}.weight"].requires_grad
    ]


@dataclass(eq=False)
class Lora(Plugin):
    """Train small matrices beside frozen weights (LoRA, low rank).

    W x becomes W x + (alpha / rank) B A x, with A [rank, in] random and B [out, rank] zero at
    first, so that training begins at the loaded model exactly. Trained are A, B and the head with
    its pooler; all else is frozen. At the end W + (alpha / rank) B A takes the place of W: the
    saved model is an ordinary one. Adapted are all linear layers of the encoder's layers, found by
    structure; Hu et al. adapt those of queries and values alone.
    """

    layout = "any"
    capture_safe = True
    when = "a large encoder, and no memory for its optimizer's state"
    paper = "Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685"

    rank: int = option(8, "rank of the matrices that are trained", min=1)
    alpha: float = option(16.0, "alpha / rank is the factor of what they add", min=0)
    dropout: float = option(0.0, "dropout on what they receive", min=0, max=1)
    targets: str = option("all", "all, or ends of linear layers' names joined by commas")

    def __post_init__(self) -> None:
        """Refuse to be named where peft is not installed."""
        if not is_installed("peft"):
            raise UsageError('lora needs peft: pip install "titlekit[lora]"')
        self.tuner: Any = None  # peft's view of the model, which can merge
        self.frozen: list[torch.nn.Parameter] = []

    @hookimpl
    def prepare_model(self, model: torch.nn.Module) -> None:
        """Put the adapters in and freeze all but them and the head."""
        from peft import LoraConfig, LoraModel

        targets = self._chosen(linear_layers(model))
        trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        places, layers = depths(model)
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,  # type: ignore[arg-type]  # it only divides by the rank
            lora_dropout=self.dropout,
            target_modules=targets,
        )
        self.tuner = LoraModel(model, config, "default")
        for name, parameter in trained:
            parameter.requires_grad_(places[name] > layers)
        self.frozen = [parameter for _, parameter in trained if not parameter.requires_grad]
        self.count("adapted layers", len(targets))
        self.count("trained", sum(p.numel() for p in model.parameters() if p.requires_grad))

    def _chosen(self, names: list[str]) -> list[str]:
        """Return those of the linear layers that `targets` asks for."""
        if not names:
            raise UsageError(
                "lora: no linear layer that is trained was found in the layers of this encoder; "
                "train it without lora"
            )
        if self.targets == "all":
            return names
        known = sorted({name.rpartition(".")[2] for name in names})
        ends = [f".{part.strip()}" for part in self.targets.split(",")]
        for end in ends:
            if not any(name.endswith(end) for name in names):
                raise UsageError(
                    f"lora.targets: no linear layer named {end[1:]!r}{nearest(end[1:], known)}  "
                    f"(names: all, {', '.join(known)})"
                )
        return [name for name in names if name.endswith(tuple(ends))]

    @hookimpl
    def train_end(self, run: Run) -> None:
        """Merge the adapters: the finished model has the modules and names it came with."""
        self.tuner.merge_and_unload()
        for parameter in self.frozen:
            parameter.requires_grad_(True)
        self.tuner, self.frozen = None, []
