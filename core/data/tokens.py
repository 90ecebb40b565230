"""Tokens once, in the tokenizer's own threads, kept in flat arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import UsageError

_GROUP = 1200  # pairs of cells that take as long as the calls for one more group
_CHUNK = 8192  # texts handed to the tokenizer at once: bounds memory, keeps its threads busy


@dataclasses.dataclass(frozen=True)
class Flat:
    """Lists of token ids, end to end: row i is values[offsets[i]:offsets[i + 1]]."""

    values: np.ndarray  # int32
    offsets: np.ndarray  # int64, one more than rows

    def __getitem__(self, row: int) -> np.ndarray:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row, int64."""
        return np.diff(self.offsets)


@dataclasses.dataclass(frozen=True)
class Template:
    """Where a tokenizer puts its special tokens, learnt by asking it."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    types: tuple[int, int, int, int, int]  # of before, first, between, second, after

    @property
    def size(self) -> int:
        """Special tokens in a row."""
        return len(self.before) + len(self.between) + len(self.after)


@dataclasses.dataclass(frozen=True)
class Tokens:
    """Rows ready for a model: special tokens in place, cut to length, not padded."""

    ids: Flat
    types: Flat | None  # token types, where the model takes them
    pad_id: int
    left: bool = False  # padded before the text: for models that read the last position

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row with special tokens, int64."""
        return self.ids.lengths

    def padded(self, rows: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return the model's inputs [N, L] int64 for some rows, padded to the longest."""
        token, lengths, place = self._lie(rows)
        width = int(lengths.max())
        first = np.arange(len(rows)) * width + (width - lengths if self.left else 0)
        cell = np.repeat(first, lengths) + place
        batch = {
            "input_ids": np.full((len(rows), width), self.pad_id, np.int64),
            "attention_mask": np.zeros((len(rows), width), np.int64),
        }
        batch["input_ids"].ravel()[cell] = self.ids.values[token]
        batch["attention_mask"].ravel()[cell] = 1
        if self.types is not None:
            batch["token_type_ids"] = np.zeros((len(rows), width), np.int64)
            batch["token_type_ids"].ravel()[cell] = self.types.values[token]
        return batch

    def unpadded(self, rows: Sequence[int] | np.ndarray, first: int = 0) -> dict[str, np.ndarray]:
        """Return the inputs [1, T] int64 of N rows end to end, T tokens in all, short rows first.

        Positions count from `first` in each row. For attention, rows of about one length are padded
        to the longest of their group; all groups have C cells. `unpadded_groups` [G, 2]: rows and
        cells of a row in each group. `unpadded_places` [C]: the token of each cell, 0 where none
        is. `unpadded_cells` [T]: the cell of each token. `unpadded_mask` [C] float32: 0 for tokens,
        -inf for none. `unpadded_starts` [N]: the first token of each row.
        """
        token, lengths, place = self._lie(rows)
        assert (lengths[1:] >= lengths[:-1]).all(), "short rows come first"
        groups = similar_lengths(lengths)
        widths = np.repeat(groups[:, 1], groups[:, 0])  # [N] cells of each row
        starts, begin = np.cumsum(lengths) - lengths, np.cumsum(widths) - widths
        cells = np.repeat(begin, lengths) + place
        places = np.zeros(widths.sum(), np.int64)
        places[cells] = np.arange(len(cells))
        mask = np.full(len(places), -np.inf, np.float32)
        mask[cells] = 0
        batch = {
            "input_ids": self.ids.values[token][None].astype(np.int64),
            "position_ids": (place + first)[None],
            "unpadded_groups": groups,
            "unpadded_starts": starts,
            "unpadded_places": places,
            "unpadded_cells": cells,
            "unpadded_mask": mask,
        }
        if self.types is not None:
            batch["token_type_ids"] = self.types.values[token][None].astype(np.int64)
        return batch

    def _lie(self, rows: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the place of each token [T] in `ids.values`, rows' lengths [N], place in a row."""
        begin = self.ids.offsets[rows]
        lengths = self.ids.offsets[np.asarray(rows) + 1] - begin
        place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.repeat(begin, lengths) + place, lengths, place


@dataclasses.dataclass(frozen=True)
class Examples:
    """Tokenised rows with their labels."""

    tokens: Tokens
    labels: np.ndarray  # [N] int64
    weights: np.ndarray | None = None  # [N] float32; None: all 1
    texts: list[str] | None = None  # kept only where a plugin augments
    encode: Callable[[Sequence[str]], Tokens] | None = None  # likewise: turns new texts to tokens
    targets: np.ndarray | None = None  # [N, C] float32 class probabilities; None: one-hot

    def __len__(self) -> int:
        return len(self.tokens)


@dataclasses.dataclass(frozen=True)
class TextEncoder:
    """Turns texts into Tokens by one tokenizer, one length and one truncation."""

    tokenizer: Any
    max_length: int
    truncation: str = "head"

    def __call__(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Tokens:
        """Tokenise and assemble; rows stay in order."""
        raw = tokenise(self.tokenizer, texts)
        second = None if pairs is None else tokenise(self.tokenizer, pairs)
        return self.assemble(raw, second)

    def assemble(self, raw: Flat, second: Flat | None = None) -> Tokens:
        """Cut raw tokens to length and put the special tokens in place."""
        template = learn_template(self.tokenizer, second is not None)
        room = self.max_length - template.size
        rows, types = [], []
        for row in range(len(raw)):
            first, other = raw[row], raw[row][:0]
            if second is None:
                first = _cut(first, room, self.truncation)
            else:
                sizes = _share(len(first), len(second[row]), room)
                first = _cut(first, sizes[0], self.truncation)
                other = _cut(second[row], sizes[1], self.truncation)
            parts = (template.before, first, template.between, other, template.after)
            rows.append(np.concatenate(parts))
            types.append(np.repeat(template.types, [len(part) for part in parts]))
        wants_types = "token_type_ids" in self.tokenizer.model_input_names
        pad, left = self.tokenizer.pad_token_id or 0, self.tokenizer.padding_side == "left"
        return Tokens(_flat(rows), _flat(types) if wants_types else None, pad, left)


def tokenise(tokenizer: Any, texts: Sequence[str]) -> Flat:
    """Return token ids without special tokens, neither cut nor padded."""
    pieces: list[list[int]] = []
    for start in range(0, len(texts), _CHUNK):
        chunk = list(texts[start : start + _CHUNK])
        if tokenizer.is_fast:
            backend = tokenizer.backend_tokenizer
            # Some tokenizer files carry padding and truncation of their own (MiniLM's: 128).
            backend.no_padding()
            backend.no_truncation()
            pieces += [e.ids for e in backend.encode_batch_fast(chunk, add_special_tokens=False)]
        else:
            pieces += tokenizer(chunk, add_special_tokens=False, verbose=False)["input_ids"]
    return _flat(pieces)


def learn_template(tokenizer: Any, paired: bool) -> Template:
    """Return where special tokens and token types go, from one probe."""
    texts = ("a", "b") if paired else ("a",)
    inside = [list(tokenise(tokenizer, [text])[0]) for text in texts]
    if tokenizer.is_fast:
        probe = tokenizer.backend_tokenizer.encode(*texts, add_special_tokens=True)
        ids, types = list(probe.ids), list(probe.type_ids)
    else:
        answer = tokenizer(*texts, return_token_type_ids=True)
        ids = list(answer["input_ids"])
        types = list(answer.get("token_type_ids") or [0] * len(ids))
    first = _find(ids, inside[0], 0)
    end = first + len(inside[0])
    second = _find(ids, inside[1], end) if paired else end
    last = second + len(inside[1]) if paired else end
    between = ids[end:second]
    kinds = (
        types[0] if first else 0,
        types[first],
        types[end] if between else 0,
        types[second] if paired else 0,
        types[last] if last < len(ids) else 0,
    )
    return Template(tuple(ids[:first]), tuple(between), tuple(ids[last:]), kinds)


def automatic_length(lengths: np.ndarray, special: int, limit: int = 128) -> int:
    """Return the 99.9th percentile of the row lengths, up to a multiple of 8, at most `limit`.

    `lengths` without the `special` tokens.
    """
    if len(lengths) == 0:
        return limit
    needed = int(np.ceil(np.percentile(lengths, 99.9))) + special
    return min(limit, -(-max(needed, 8) // 8) * 8)


def similar_lengths(lengths: np.ndarray) -> np.ndarray:
    """Return the groups [G, 2] (rows, longest) that rows of ascending lengths [N] are padded in.

    Lengths that round up to the same multiple of 8 (of more, where rows are long) are a group;
    neighbours become one where their cells, squared as attention has them, cost less than a group.
    """
    quarter = 2 ** np.maximum(np.log2(lengths).astype(np.int64) - 2, 3)
    ends = np.flatnonzero(np.diff(-(-lengths // quarter) * quarter, append=0)) + 1
    groups: list[list[int]] = []
    for rows, longest in zip(
        np.diff(ends, prepend=0).tolist(), lengths[ends - 1].tolist(), strict=True
    ):
        while groups and groups[-1][0] * (longest**2 - groups[-1][1] ** 2) < _GROUP:
            rows += groups.pop()[0]
        groups.append([rows, longest])
    return np.array(groups, np.int64)


def _flat(rows: Sequence[Sequence[int] | np.ndarray]) -> Flat:
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    values = np.empty(offsets[-1], np.int32)
    for row, start, end in zip(rows, offsets[:-1], offsets[1:], strict=True):
        values[start:end] = row
    return Flat(values, offsets)


def _cut(ids: np.ndarray, room: int, truncation: str) -> np.ndarray:
    if len(ids) <= room:
        return ids
    if truncation == "head":
        return ids[:room]
    if truncation == "tail":
        return ids[len(ids) - room :]
    head = (room + 1) // 2
    return np.concatenate([ids[:head], ids[len(ids) - (room - head) :]])


def _share(first: int, second: int, room: int) -> tuple[int, int]:
    """Return the sizes of a pair within `room`, as the tokenizers' "longest first" cuts."""
    if first + second <= room:
        return first, second
    short, long = min(first, second), max(first, second)
    long = short if short > room else max(short, room - short)
    if short + long > room:
        short = room // 2
        long = short + room % 2
    return (short, long) if first <= second else (long, short)


def _find(ids: list[int], part: list[int], start: int) -> int:
    for place in range(start, len(ids) - len(part) + 1):
        if part and ids[place : place + len(part)] == part:
            return place
    raise UsageError("this tokenizer changes a text when it adds special tokens; use another model")
