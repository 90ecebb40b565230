"""Attention over rows that lie end to end: padded side by side inside, and nowhere else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import dropout, scaled_dot_product_attention

Given = dict[str, Tensor]  # where the rows lie, as Tokens.unpadded tells it


class _Pad(torch.autograd.Function):
    """Tokens [T, ...] to cells [C, ...]; absent cells hold what is at place 0.

    Both directions gather: each token is in one cell, so its gradient is that cell's. (The backward
    pass of an index_select would add rows one by one.)
    """

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, places: Tensor, cells: Tensor) -> Tensor:
        ctx.save_for_backward(cells)
        return tokens.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (cells,) = ctx.saved_tensors
        return gradients[0].index_select(0, cells), None, None


class _Unpad(torch.autograd.Function):
    """Cells [C, ...] to tokens [T, ...]; the gradient of absent cells is 0."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, places: Tensor, cells: Tensor, absent: Tensor) -> Tensor:
        ctx.save_for_backward(places, absent)
        return padded.index_select(0, cells)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        places, absent = ctx.saved_tensors
        spread = gradients[0].index_select(0, places)
        shape = (-1, *[1] * (spread.ndim - 1))
        return spread.masked_fill_(absent.view(shape), 0), None, None, None


def padded(tokens: Tensor, given: Given) -> Tensor:
    """Return the cells [C, ...] of tokens [T, ...]."""
    places, cells = given["unpadded_places"], given["unpadded_cells"]
    found: Tensor = _Pad.apply(tokens, places, cells)  # type: ignore[no-untyped-call]
    return found


def unpadded(cells: Tensor, given: Given) -> Tensor:
    """Return the tokens [T, ...] of cells [C, ...]."""
    absent = given["unpadded_mask"] < 0
    places, place = given["unpadded_places"], given["unpadded_cells"]
    found: Tensor = _Unpad.apply(cells, places, place, absent)  # type: ignore[no-untyped-call]
    return found


@dataclasses.dataclass(frozen=True)
class Group:
    """Rows of about one length, and their cells."""

    rows: slice
    cells: slice
    mask: Tensor  # [n, 1, 1, L]

    def side_by_side(self, cells: Tensor) -> Tensor:
        """Return this group's part of all cells [C, heads, D] as [n, heads, L, D]."""
        shape = self.mask.shape[0], self.mask.shape[-1], *cells.shape[1:]
        return cells[self.cells].view(shape).transpose(1, 2)


def groups(given: Given) -> Iterator[Group]:
    """Give the groups of an unpadded batch in order."""
    row = cell = 0
    for rows, length in given["unpadded_groups"].tolist():
        cells = slice(cell, cell + rows * length)
        mask = given["unpadded_mask"][cells].view(rows, 1, 1, length)
        yield Group(slice(row, row + rows), cells, mask)
        row, cell = row + rows, cell + rows * length


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, drop: float, scale: float
) -> Tensor:
    """Return softmax(q k^T * scale + mask) v for q [n, heads, Q, D], k and v [n, heads, L, D]."""
    if drop == 0 or query.device.type != "cpu":
        return scaled_dot_product_attention(
            query, key, value, attn_mask=mask.to(query.dtype), dropout_p=drop, scale=scale
        )
    # With dropout a CPU has no kernel of its own for it, and torch's many steps are slower than
    # these few.
    scores = (query * scale) @ key.transpose(-1, -2) + mask
    return dropout(scores.softmax(-1), drop).to(value.dtype) @ value


def unpadded_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **given: Any,
) -> tuple[Tensor, None]:
    """Attend within each row of an unpadded batch [1, heads, T, D]; of a padded one as sdpa does.

    Returns [1, T, heads, D], as transformers' attention functions do.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if "unpadded_mask" not in given:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **given
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (padded(part[0].transpose(0, 1), given) for part in (query, key, value))
    out = []
    for group in groups(given):
        parts = [group.side_by_side(part) for part in (q, k, v)]
        seen = attend(parts[0], parts[1], parts[2], group.mask, dropout, scale)
        out.append(seen.transpose(1, 2).flatten(0, 1))
    return unpadded(torch.cat(out), given)[None], None
