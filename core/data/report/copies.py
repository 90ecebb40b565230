"""Texts that stand twice: within a split, across splits, and under two labels."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..encoding import clip
from ..labels import listed
from ..near import THRESHOLD, Pairs, near_duplicates
from .corpus import UNKNOWN, Corpus
from .findings import SHOWN, Finding, counted, of_pairs, of_rows, percent

KINDS = ("exact", "normalised", "near")


@dataclasses.dataclass(frozen=True)
class Copies:
    """Rows of one split that resemble rows of the same or an earlier split."""

    kind: str  # of KINDS; a row is listed under the first that fits
    split: str
    other_split: str  # the same one for copies within a split
    rows: np.ndarray  # [K] row numbers, ascending
    others: np.ndarray  # [K] the row that each resembles: the first equal one, the nearest one
    similarity: np.ndarray | None = None  # [K] of near ones

    def to_json(self) -> dict[str, Any]:
        """Return kind, splits and how many rows."""
        return {
            "kind": self.kind, "split": self.split, "other_split": self.other_split,
            "rows": len(self.rows),
        }  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Same:
    """Which rows have the same text: numbers of distinct texts and of distinct keys."""

    exact: np.ndarray  # [N]
    key: np.ndarray  # [N]; texts of which nothing is left are the same only where exact
    keys: list[str]  # of each number of `key`; "" where nothing is left
    first_exact: np.ndarray  # [E, S] the first row of each text in each split; N: none
    first_key: np.ndarray  # [K, S]


def find_all_copies(corpus: Corpus, threshold: float = THRESHOLD) -> list[Copies]:
    """Return the copies within each split, and those across each two of them.

    `threshold`: the similarity of near ones (see ``near_duplicates``); 0 looks for none.
    """
    same = _sameness(corpus)
    distinct = [number for number, key in enumerate(same.keys) if key]
    pairs = Pairs(*(np.zeros(0, np.int64),) * 2, np.zeros(0))
    if threshold > 0:
        pairs = near_duplicates([same.keys[number] for number in distinct], threshold)
    numbers = np.array(distinct, np.int64)
    pairs = Pairs(numbers[pairs.first], numbers[pairs.second], pairs.similarity)
    places = range(len(corpus.splits))
    found: list[Copies] = []
    across = ((later, earlier) for earlier, later in itertools.combinations(places, 2))
    for here, there in [*((place, place) for place in places), *across]:
        found += _equal(corpus, same, here, there)
        found += _near(corpus, same, pairs, here, there)
    return found


def _sameness(corpus: Corpus) -> _Same:
    pairs = corpus.rows.pairs or [""] * len(corpus)
    exact = _numbered(list(zip(corpus.rows.texts, pairs, strict=True)))
    known: dict[Any, int] = {}
    keys: list[str] = []
    key = np.empty(len(corpus), np.int64)
    for row, text in enumerate(corpus.keys):
        key[row] = known.setdefault(text or int(exact[row]), len(known))
        if len(known) > len(keys):
            keys.append(text)
    return _Same(exact, key, keys, _firsts(exact, corpus), _firsts(key, corpus))


def _numbered(values: Sequence[Any]) -> np.ndarray:
    known: dict[Any, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


def _firsts(numbers: np.ndarray, corpus: Corpus) -> np.ndarray:
    """Return the first row of each number in each split, [K, S]; N where there is none."""
    found = np.full((int(numbers.max(initial=-1)) + 1, len(corpus.splits)), len(corpus))
    np.minimum.at(found, (numbers, corpus.split_of), np.arange(len(corpus)))
    return found


def _equal(corpus: Corpus, same: _Same, here: int, there: int) -> Iterator[Copies]:
    """Yield rows whose text, or whose key alone, stands (earlier) in the other split."""
    mine = np.flatnonzero(corpus.split_of == here)
    exact, key = same.first_exact[same.exact[mine], there], same.first_key[same.key[mine], there]
    limit = mine if here == there else np.full(len(mine), len(corpus))
    is_exact, is_key = exact < limit, key < limit
    names = corpus.splits[here], corpus.splits[there]
    if is_exact.any():
        yield Copies("exact", *names, mine[is_exact], exact[is_exact])
    is_key &= ~is_exact
    if is_key.any():
        yield Copies("normalised", *names, mine[is_key], key[is_key])


def _near(corpus: Corpus, same: _Same, pairs: Pairs, here: int, there: int) -> Iterator[Copies]:
    """Yield rows that have a near duplicate in the other split, and no equal text there."""
    one = np.concatenate([pairs.first, pairs.second])
    other = np.concatenate([pairs.second, pairs.first])
    similarity = np.concatenate([pairs.similarity] * 2)
    partner = same.first_key[other, there]
    fits = (same.first_key[one, here] < len(corpus)) & (partner < len(corpus))
    if here != there:
        fits &= same.first_key[one, there] == len(corpus)
    one, partner, similarity = one[fits], partner[fits], similarity[fits]
    # The most similar partner of each key, the first row of a tie.
    order = np.lexsort((partner, -similarity, one))
    order = order[np.append(True, np.diff(one[order]) > 0)] if len(order) else order
    if not len(order):
        return
    chosen = np.full(len(same.keys), -1)
    chosen[one[order]] = order
    mine = np.flatnonzero(corpus.split_of == here)
    mine = mine[chosen[same.key[mine]] >= 0]
    best = chosen[same.key[mine]]
    names = corpus.splits[here], corpus.splits[there]
    yield Copies("near", *names, mine, partner[best], similarity[best])


_SAME = {
    "exact": "the text of an earlier row",
    "normalised": "an earlier text but for case, punctuation and spaces",
    "near": "a text much like another one's",
}
_LEVELS = {"test": "error", "valid": "warning"}


def find_copies(corpus: Corpus, copies: Sequence[Copies]) -> Iterator[Finding]:
    """Yield a finding for each kind of copy within a split or across two."""
    for one in copies:
        rows = counted(len(one.rows), "row")
        fields = of_pairs(corpus, one.rows, one.others, one.similarity)
        if one.split == one.other_split:
            bears = "has" if len(one.rows) == 1 else "have"
            yield Finding(
                "note", f"{one.kind}-duplicates", one.split,
                f"{rows} {bears} {_SAME[one.kind]}", _within(one), **fields,
            )  # fmt: skip
            continue
        share = percent(len(one.rows) / len(corpus.where(one.split)))
        stands = "stands" if len(one.rows) == 1 else "stand"
        how = {
            "exact": f"{stands} in {one.other_split} too",
            "normalised": f"{stands} in {one.other_split} too, but for case, punctuation and "
            "spaces",
            "near": f"{'is' if len(one.rows) == 1 else 'are'} much like a row of {one.other_split}",
        }[one.kind]
        level = "warning" if one.kind == "near" else _LEVELS[one.split]
        yield Finding(
            level, f"{one.kind}-leak", one.split, f"{rows} ({share}) {how}",
            f"take them out of {one.other_split}: metrics on rows that were trained on flatter",
            **fields,
        )  # fmt: skip


def _within(one: Copies) -> str:
    if one.split != "train":
        return "each counts in the metrics; keep one of each, unless the texts to come repeat too"
    if one.kind == "near":
        return "--valid SHARE may put the two on both sides; --group-column keeps groups together"
    return "each is trained on; --valid SHARE keeps them on one side of the split"


def find_two_labels(corpus: Corpus) -> Iterator[Finding]:
    """Yield texts, equal but for case and punctuation, that bear more than one label."""
    classes, split_of = corpus.classes.tolist(), corpus.split_of.tolist()

    def is_torn(rows: Sequence[int]) -> bool:
        return len({classes[row] for row in rows}) > 1

    by_key: dict[str, list[int]] = {}
    for row, key in enumerate(corpus.keys):
        if key and classes[row] != UNKNOWN:
            by_key.setdefault(key, []).append(row)
    within: dict[str, list[list[int]]] = {split: [] for split in corpus.splits}
    across: list[list[int]] = []
    for rows in filter(is_torn, by_key.values()):
        parts = [
            [row for row in rows if split_of[row] == place] for place in range(len(corpus.splits))
        ]
        for split, part in zip(corpus.splits, parts, strict=True):
            within[split] += [part] if is_torn(part) else []
        across += [] if any(map(is_torn, parts)) else [rows]
    for split, groups in {**within, "": across}.items():
        if groups:
            yield _torn(corpus, split, groups)


def _torn(corpus: Corpus, split: str, groups: list[list[int]]) -> Finding:
    numbers = [row for rows in groups for row in rows]
    fields = of_rows(corpus, numbers)
    marks = [(mark, row) for mark, rows in enumerate(groups, 1) for row in rows]
    for place, (mark, row) in zip(fields["rows"], marks, strict=True):
        place |= {"label": corpus.rows.labels[row], "text_number": mark}
    fields["examples"] = [
        f"{clip(corpus.rows.texts[rows[0]])}: "
        + listed([f"{corpus.spot(row)} {corpus.rows.labels[row]}" for row in rows])
        for rows in groups[:SHOWN]
    ]
    bears = "text bears" if len(groups) == 1 else "texts bear"
    where = "" if split else ", one in one split and another in another"
    return Finding(
        "warning", "two-labels", split,
        f"{len(groups):,} {bears} more than one label{where} ({counted(len(numbers), 'row')})",
        "decide which label is right and mend or drop the other rows", **fields,
    )  # fmt: skip
