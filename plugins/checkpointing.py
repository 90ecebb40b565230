"""Gradient checkpointing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import UsageError
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl

if TYPE_CHECKING:
    import torch

    from ..core.hooks.run import Run


@dataclass(eq=False)
class Checkpointing(Plugin):
    """Less memory for more time: layers are recomputed in backward.

    Of each layer only the input is kept; backward runs the layer forward once more, with the same
    dropout, so the gradients are those of plain training. passes() stays 1, for it counts calls of
    the model: the second forward of each layer is part of backward. Off in evaluations and in the
    finished model.
    """

    layout = "any"
    when = "memory runs out, and --grad-accum alone is not enough"
    paper = "Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, arXiv 1604.06174"

    def __post_init__(self) -> None:
        """Start without a setting to put back."""
        self.use_cache: bool | None = None

    @hookimpl
    def prepare_model(self, model: torch.nn.Module) -> None:
        """Switch it on."""
        if not getattr(model, "supports_gradient_checkpointing", False):
            raise UsageError(
                f"checkpointing: {type(model).__name__} cannot recompute its layers; use a smaller "
                "--batch-size or a larger --grad-accum"
            )
        # The other kind cannot do torch.autograd.grad, which pgd needs.
        _switch(model, "enable")({"use_reentrant": False})
        # transformers also makes the embeddings' output need a gradient, for that other kind.
        model.disable_input_require_grads()  # type: ignore[operator]
        # A decoder's setting that encoders have too, and that transformers would warn about.
        self.use_cache = getattr(model.config, "use_cache", None)
        if self.use_cache:
            model.config.use_cache = False  # type: ignore[union-attr]
        switched = [m for m in model.modules() if getattr(m, "gradient_checkpointing", False)]
        self.count("modules switched on", len(switched))

    @hookimpl
    def train_end(self, run: Run) -> None:
        """Switch it off: the finished model is as it was."""
        _switch(run.model, "disable")()
        if self.use_cache:
            run.model.config.use_cache = True  # type: ignore[union-attr]


def _switch(model: torch.nn.Module, way: str) -> Any:
    # transformers 5 renames it on the way; the old name warns where there is a new one.
    new = getattr(model, f"activation_checkpointing_{way}", None)
    return new or getattr(model, f"gradient_checkpointing_{way}")
