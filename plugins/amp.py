"""Automatic mixed precision."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.hooks.plugin import Plugin
from ..core.hooks.precision import Precision, float32
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    import torch
    from torch import Tensor

log = logging.getLogger("titlekit")


@dataclass(eq=False)
class Amp(Plugin):
    """Mixed precision: bfloat16, or float16 with a loss scaler.

    Matrix products run in the short type, weights and the loss stay float32. dtype=auto takes
    bf16 in hardware, fp16 on older GPUs, and float32 (said in the log) on other CPUs.
    """

    slot = "precision"
    layout = "any"
    capture_safe = True
    when = "speed and memory on hardware with 16-bit arithmetic"
    paper = "Micikevicius et al. 2018, Mixed Precision Training, arXiv 1710.03740"

    dtype: str = option("auto", "short floating-point type", choices=("auto", "bf16", "fp16"))
    init_scale: float = option(65536.0, "first loss scale (fp16 only)", min=1)

    @hookimpl
    def precision(self, device: torch.device) -> Precision:
        """Return autocast in the chosen type, with a scaler for fp16."""
        import torch

        chosen = self.dtype if self.dtype != "auto" else best_dtype(device)
        if chosen == "bf16":
            self.count("bf16 runs")
            return _bfloat16(device)
        if chosen == "fp16":
            self.count("fp16 runs")
            return _float16(device, torch.amp.GradScaler(device.type, init_scale=self.init_scale))
        log.warning(
            "amp does nothing here: this processor has no bfloat16 arithmetic, so the run stays "
            "float32 (--set amp.dtype=bf16 forces it, slower)"
        )
        return float32(device)


def best_dtype(device: torch.device) -> str | None:
    """Return "bf16", "fp16" or None: the short type that the device has in hardware."""
    import torch

    if device.type == "cuda":
        has = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16" if has else "fp16"
    if device.type == "cpu":
        has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bf16" if has else None
    return None


def _bfloat16(device: torch.device) -> Precision:
    import torch

    plain = float32(device)
    plain.name = "bf16"
    plain.autocast = lambda: torch.autocast(device.type, dtype=torch.bfloat16)
    return plain


def _float16(device: torch.device, scaler: torch.amp.GradScaler) -> Precision:
    import torch

    def step(optimizer: torch.optim.Optimizer) -> Tensor:
        # found_inf is what unscale_ wrote: a device tensor, so nothing is read on the host.
        found = scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"]
        overflow = sum(flag.to(device) for flag in found.values())
        scaler.step(optimizer)
        scaler.update()
        return torch.as_tensor(overflow, device=device) == 0

    def state() -> dict[str, Any]:
        return dict(scaler.state_dict())

    return Precision(
        name="fp16",
        autocast=lambda: torch.autocast(device.type, dtype=torch.float16),
        scale=scaler.scale,
        unscale=scaler.unscale_,
        step=step,
        state=state,
        load_state=scaler.load_state_dict,
        may_skip=True,
    )
