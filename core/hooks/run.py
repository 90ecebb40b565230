"""What a plugin sees of the whole run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from .assembly import Hooks
    from .precision import Precision


@dataclasses.dataclass(eq=False)
class Run:
    """The state of one training run; plugins read it and call log()."""

    model: torch.nn.Module
    labels: Sequence[str]  # class names in index order
    class_counts: Sequence[int]  # training rows of each class
    device: torch.device
    hooks: Hooks
    precision: Precision
    criterion: Callable[[Tensor, Tensor], Tensor]
    optimizer: torch.optim.Optimizer
    model_forward: Callable[[dict[str, Tensor]], tuple[Tensor, Tensor | None]]
    generator: torch.Generator  # on the CPU, the run's own stream
    total_steps: int = 0
    steps_per_epoch: int = 0
    offline: bool = False  # whether to make no network request (--offline)
    micro_batches: int = 1  # parts that a batch is cut into (--grad-accum)
    step: int = 0  # optimizer steps tried so far
    real_steps: Tensor | None = None  # 0-dim int64: steps in which the parameters moved
    forwards: int = 0  # forward passes of training so far
    metrics: dict[str, float] = dataclasses.field(default_factory=dict)  # newest evaluation
    best: float | None = None  # best value of the chosen metric so far
    best_metrics: dict[str, float] = dataclasses.field(default_factory=dict)
    best_step: int = 0
    metric: str = ""  # the chosen metric
    evaluations_since_best: int = 0
    stop_reasons: list[str] = dataclasses.field(default_factory=list)
    evaluate_here: Callable[[], dict[str, float]] = dict  # core's default behind the evaluate pipe
    logged: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def embedding(self) -> torch.nn.Parameter:
        """The table: the model's word embeddings [V, H], found by get_input_embeddings()."""
        weight = self.embedding_module.weight
        return weight  # type: ignore[return-value]

    @property
    def embedding_module(self) -> torch.nn.Module:
        """The module that turns token ids into word embeddings."""
        module = self.model.get_input_embeddings()  # type: ignore[operator]
        return module  # type: ignore[no-any-return]

    @property
    def epoch(self) -> float:
        """Epochs done so far, as a fraction."""
        return self.step / self.steps_per_epoch if self.steps_per_epoch else 0.0

    def log(self, name: str, value: Any) -> None:
        """Add a value to the next record of metrics.jsonl."""
        self.logged[name] = value
