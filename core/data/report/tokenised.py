"""Rows in a model's tokens: their lengths, what is cut, what the vocabulary lacks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...config import TrainConfig
from ..tokens import Flat, learn_template, tokenise
from .corpus import Corpus
from .findings import Finding, counted, of_rows, percent
from .lengths import (
    LENGTHS,
    UNKNOWN_SHARE,
    describe_lengths,
    length_table,
    row_lengths,
    settle_length,
    unknown_share,
)

_CUT = 0.01  # share of the training rows above which a cut is more than an accident


@dataclasses.dataclass(frozen=True)
class Tokenised:
    """Lengths of all rows in tokens, and what is said of them, as JSON values."""

    lengths: np.ndarray  # [N] with special tokens
    unknown: np.ndarray  # [N] tokens that the vocabulary lacks
    splits: dict[str, dict[str, Any]]  # lengths and unknown tokens of each split
    described: dict[str, Any]  # the recommended length, and the table of lengths


def measure(config: TrainConfig, corpus: Corpus, tokenizer: Any, limit: int) -> Tokenised:
    """Tokenise every row; `limit` is the longest input in tokens that the model takes."""
    first = tokenise(tokenizer, corpus.rows.texts)
    second = tokenise(tokenizer, corpus.rows.pairs) if corpus.rows.pairs else None
    special = learn_template(tokenizer, second is not None).size
    lengths = row_lengths(first, second, special)
    unknown = np.zeros(len(corpus), np.int64)
    for tokens in (first, second):
        if tokens is not None:
            unknown += _unknown(tokens, tokenizer)
    train = lengths[corpus.where("train")]
    settled = settle_length(train, special, limit)
    more = [settled.max_length]
    if config.max_length != "auto":
        more.append(int(config.max_length))
    described = {
        "recommended": settled.max_length,
        "reason": settled.reason,
        "special_tokens": special,
        "limit": limit,
        "batch_size": config.batch_size,
        "cut_rows": settled.cut_rows,
        "lengths": length_table(train, config.batch_size, config.seed, limit, more),
    }
    splits = {}
    for split in corpus.splits:
        rows = corpus.where(split)
        count = int(lengths[rows].sum()) - special * len(rows)
        splits[split] = {
            **describe_lengths(lengths[rows]),
            "unknown_share": float(unknown[rows].sum() / max(1, count)),
            "rows_with_unknown": int(np.count_nonzero(unknown[rows])),
        }
    return Tokenised(lengths, unknown, splits, described)


def _unknown(tokens: Flat, tokenizer: Any) -> np.ndarray:
    """Return each row's tokens that the vocabulary lacks, [N] int64."""
    if not unknown_share(tokens, tokenizer):
        return np.zeros(len(tokens), np.int64)
    row = np.repeat(np.arange(len(tokens)), tokens.lengths)
    return np.bincount(row[tokens.values == tokenizer.unk_token_id], minlength=len(tokens))


def find_lengths(corpus: Corpus, tokens: Tokenised, model: str) -> Iterator[Finding]:
    """Yield rows that would be cut, and splits whose words the vocabulary lacks."""
    length = tokens.described["recommended"]
    rows = corpus.where("train")
    cut = rows[tokens.lengths[rows] > length]
    if len(cut) > _CUT * len(rows):
        yield Finding(
            "warning", "cut", "train",
            f"{counted(len(cut), 'row')} ({percent(len(cut) / len(rows))}) are longer than "
            f"{length} tokens, which --max-length auto settles on",
            f"--max-length {_next(tokens, length)} cuts fewer; --truncation says what is kept of "
            "the rest",
            **of_rows(corpus, cut),
        )  # fmt: skip
    for split in corpus.splits:
        share = tokens.splits[split]["unknown_share"]
        if share > UNKNOWN_SHARE:
            mine = corpus.where(split)
            mine = mine[tokens.unknown[mine] > 0]
            yield Finding(
                "warning", "unknown-tokens", split,
                f"{percent(share)} of the tokens are unknown to {model}: it cannot tell those "
                "words apart",
                "a multilingual encoder, or --model tiny, whose vocabulary is made from your rows",
                **of_rows(corpus, mine),
            )  # fmt: skip


def _next(tokens: Tokenised, length: int) -> int:
    limit: int = tokens.described["limit"]
    longer = [one for one in LENGTHS if length < one <= limit]
    return longer[0] if longer else limit
