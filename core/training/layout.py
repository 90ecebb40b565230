"""How the rows of a batch lie in memory: end to end where that is exact, else padded."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..data.tokens import Examples
from ..hooks.plugin import Plugin
from ..unpadded import PADDED, Layout, layout_of

if TYPE_CHECKING:
    import torch

log = logging.getLogger("titlekit")


def choose(
    model: torch.nn.Module, plugins: Sequence[Plugin], train: Examples, valid: Examples | None
) -> Layout:
    """Return the layout of a run's batches, and say where they must be padded, and why.

    An unpadded one changes the model (core/unpadded.py) until `unpadded.refuse`.
    """
    padded = [plugin.name for plugin in plugins if plugin.layout != "any"]
    if padded:
        log.info("batches are padded, as %s needs it", " and ".join(padded))
        return PADDED
    sets = [train.tokens] if valid is None else [train.tokens, valid.tokens]
    lengths = np.concatenate([tokens.lengths for tokens in sets])
    # Texts that change in an epoch may become longer than any was before.
    longest = max(getattr(train.encode, "max_length", 0), int(lengths.max(initial=0)))
    if lengths.min(initial=1) > 0:
        found = layout_of(model, longest, sets[0].pad_id, sets[0].left)
        if found.unpadded:
            return found
    log.info("batches are padded, as this encoder needs it; rows of similar length go together")
    return PADDED
