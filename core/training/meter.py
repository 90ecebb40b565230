"""Losses and norms of the steps since the last record, summed where they were computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Meter:
    """Adds up on the device; read() is the one host read."""

    loss: Tensor
    norm: Tensor
    real: Tensor
    tried: int

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.start_again()

    def add(self, loss: Tensor, norm: Tensor, stepped: Tensor) -> None:
        """Count one step; the loss and norm of a skipped one are left out."""
        nothing = loss.new_zeros(())
        self.loss = self.loss + loss.where(stepped, nothing)
        self.norm = self.norm.maximum(norm.where(stepped, nothing))
        self.real = self.real + stepped
        self.tried += 1

    def read(self) -> tuple[float, float, int, int]:
        """Return the mean loss, the largest norm, steps tried and steps real."""
        real = int(self.real)
        return float(self.loss) / max(1, real), float(self.norm), self.tried, real

    def start_again(self) -> None:
        """Forget the steps so far."""
        import torch

        self.loss = torch.zeros((), device=self.device)
        self.norm = torch.zeros((), device=self.device)
        self.real = torch.zeros((), dtype=torch.int64, device=self.device)
        self.tried = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the sums."""
        return {"loss": self.loss, "norm": self.norm, "real": self.real, "tried": self.tried}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over saved sums."""
        self.loss, self.norm, self.real = (
            state[key].to(self.device) for key in ("loss", "norm", "real")
        )
        self.tried = state["tried"]
