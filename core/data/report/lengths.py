"""Lengths of the rows: how many are cut at which length, what padding costs, what fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..plans import similar_batches, stream
from ..tokens import Flat, automatic_length

LENGTHS = (16, 24, 32, 48, 64, 96, 128, 256, 512)  # tokens
MOST = 128  # of a length that is chosen by itself
UNKNOWN_SHARE = 0.05  # of the tokens, above which a vocabulary does not fit
_QUANTILES = (50, 90, 95, 99, 99.9)
_BARS = 40


@dataclasses.dataclass(frozen=True)
class Settled:
    """The longest input that ``--max-length auto`` settles on, and why."""

    max_length: int
    cut_rows: int
    reason: str


def row_lengths(first: Flat, second: Flat | None, special: int) -> np.ndarray:
    """Return the tokens of each row, its pair and the special tokens included, [N] int64."""
    lengths = first.lengths + special
    return lengths if second is None else lengths + second.lengths


def settle_length(lengths: np.ndarray, special: int, limit: int) -> Settled:
    """Return the longest input that fits these training rows: ``--max-length auto``.

    `lengths` [N] with the `special` tokens; `limit`: the positions that the model has.
    """
    most = min(MOST, limit)
    length = automatic_length(lengths - special, special, most)
    cut = int(np.count_nonzero(lengths > length))
    if not len(lengths):
        return Settled(length, cut, "there are no rows to measure")
    needed = int(np.ceil(np.percentile(lengths, 99.9)))
    reason = f"99.9 % of the training rows have at most {needed} tokens, "
    if needed <= length:
        reason += "rounded up to a multiple of 8" if length % 8 == 0 else "all that the model takes"
    elif limit < MOST:
        reason += f"and the model has positions for {limit}"
    else:
        reason += f"and auto goes no further than {MOST}; --max-length {min(limit, 512)} would"
    return Settled(length, cut, reason)


def length_table(
    lengths: np.ndarray, batch_size: int, seed: int, limit: int, more: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Return, for each length, the rows that are cut and the shares of a batch that are padding.

    `lengths` [N] with special tokens. Padding to the longest row of a batch is that of the
    batches that the trainer would make of these rows in its first epoch.
    """
    order = stream(seed, "sampling", 0).permutation(len(lengths))
    found = []
    for length in sorted({*LENGTHS, *more}):
        kept = np.minimum(lengths, length)
        batches = similar_batches(order, kept, batch_size, stream(seed, "batches", 0))
        padded = sum(len(rows) * int(kept[rows].max()) for rows in batches)
        tokens, cut = int(kept.sum()), int(np.count_nonzero(lengths > length))
        found.append({
            "max_length": length,
            "fits": length <= limit,
            "cut_rows": cut,
            "cut_share": cut / max(1, len(lengths)),
            "padding_to_max_length": 1 - tokens / max(1, len(lengths) * length),
            "padding_to_longest": 1 - tokens / max(1, padded),
        })  # fmt: skip
    return found


def describe_lengths(lengths: np.ndarray) -> dict[str, Any]:
    """Return mean, quantiles, extremes and a histogram of lengths [N], as JSON values."""
    if not len(lengths):
        return {"mean": 0.0, "quantiles": {}, "shortest": 0, "longest": 0, "histogram": []}
    quantiles = np.percentile(lengths, _QUANTILES, method="inverted_cdf")
    return {
        "mean": float(lengths.mean()),
        "quantiles": {f"{q:g}": int(v) for q, v in zip(_QUANTILES, quantiles, strict=True)},
        "shortest": int(lengths.min()),
        "longest": int(lengths.max()),
        "histogram": _histogram(lengths),
    }


def _histogram(lengths: np.ndarray) -> list[dict[str, int]]:
    """Return at most 40 bars of equal width up to the 99.9th percentile, and one beyond."""
    low = int(lengths.min())
    high = max(low, int(np.percentile(lengths, 99.9, method="inverted_cdf")))
    width = -(-(high - low + 1) // _BARS)
    bars = -(-(high - low + 1) // width)
    counts = np.bincount(np.minimum((lengths - low) // width, bars), minlength=bars + 1)
    found = [
        {"from": low + bar * width, "to": low + (bar + 1) * width - 1, "rows": int(counts[bar])}
        for bar in range(bars)
    ]
    if counts[bars]:
        found.append(
            {"from": low + bars * width, "to": int(lengths.max()), "rows": int(counts[bars])}
        )
    return found


def unknown_share(tokens: Flat, tokenizer: Any) -> float:
    """Return the share of tokens that the vocabulary lacks; 0 where it can lack none."""
    if tokenizer.unk_token_id is None or not len(tokens.values):
        return 0.0
    return float(np.mean(tokens.values == tokenizer.unk_token_id))
