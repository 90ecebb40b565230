"""Texts that are nearly the same: MinHash finds candidates, exact Jaccard similarity decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .plans import stream
from .tokens import Flat

THRESHOLD = 0.8  # similarity from which two texts are near duplicates
_SHINGLE = 3  # characters of a piece
_BANDS, _HASHES = 20, 5  # at similarity s a pair is found with 1 - (1 - s^5)^20: 0.9996 at 0.8
_WINDOW = 16  # texts that each text of one bucket is compared with
_CHUNK = 1 << 22  # characters, or shingles of compared pairs, that are worked on at once


@dataclass(frozen=True)
class Pairs:
    """Pairs of texts by their numbers, first < second, and how similar they are."""

    first: np.ndarray  # [P] int64
    second: np.ndarray  # [P] int64
    similarity: np.ndarray  # [P] float64, the Jaccard similarity of their shingles

    def __len__(self) -> int:
        return len(self.first)


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> Pairs:
    """Return the pairs of texts whose sets of three-character pieces overlap by `threshold`.

    The similarity is exact; that a pair is compared at all is likely (see _BANDS), and certain
    for no pair. Texts of fewer than three characters are near to none. Where more than 17 texts
    share a bucket, each is compared with the 16 that follow it in alphabetical order, which keeps
    time linear in the number of texts: 20 times 16 comparisons a text at most. Which pairs are
    found depends neither on the order of the texts nor on the machine. Source: Broder 1997, On
    the Resemblance and Containment of Documents; Leskovec et al., Mining of Massive Datasets, 3.4.
    """
    order = sorted(range(len(texts)), key=texts.__getitem__)
    order = [number for number in order if len(texts[number]) >= _SHINGLE]
    shingles, vocabulary = _shingles([texts[number] for number in order])
    found, similarities = np.zeros(0, np.int64), np.zeros(0)
    for buckets in _bands(shingles, vocabulary):
        pairs = _without(_candidates(buckets), np.sort(found))
        shared = _similarities(shingles, pairs, threshold)
        near = shared >= threshold
        found = np.concatenate([found, pairs[near]])
        similarities = np.concatenate([similarities, shared[near]])
    numbers = np.array(order, np.int64)
    one, other = numbers[found // max(1, len(order))], numbers[found % max(1, len(order))]
    first, second = np.minimum(one, other), np.maximum(one, other)
    by_number = np.lexsort((second, first))
    return Pairs(first[by_number], second[by_number], similarities[by_number])


def jaccard(one: str, other: str) -> float:
    """Return the share of their three-character pieces that two texts have in common; 0 of none."""
    first, second = _pieces(one), _pieces(other)
    return len(first & second) / max(1, len(first | second))


def _pieces(text: str) -> set[str]:
    return {text[at : at + _SHINGLE] for at in range(len(text) - _SHINGLE + 1)}


def _shingles(texts: Sequence[str]) -> tuple[Flat, np.ndarray]:
    """Return each text's distinct shingles, ascending, by their places among all of them.

    The second value holds all distinct shingles [V] uint64: three code points in one number.
    """
    pieces: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    known = np.zeros(0, np.uint64)
    for some in _chunks(texts):
        values, owners = _code_points(some)
        distinct, places = np.unique(values, return_inverse=True)
        pair = _distinct(owners * len(distinct) + places)
        pieces.append(distinct[pair % len(distinct)])
        counts.append(np.bincount(pair // len(distinct), minlength=len(some)))
        known = _distinct(np.concatenate([known, distinct]))
    ids = [np.searchsorted(known, values).astype(np.int32) for values in pieces]
    lengths = np.concatenate([np.zeros(1, np.int64), *counts])
    return Flat(np.concatenate([np.zeros(0, np.int32), *ids]), lengths.cumsum()), known


def _code_points(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the shingles [S] uint64 of texts, with repeats, and the text of each [S] int64."""
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(joined, "<u4").astype(np.uint64)
    sizes = np.array([len(text) for text in texts], np.int64)
    owners = np.repeat(np.arange(len(texts)), sizes)
    inside = owners[: 1 - _SHINGLE] == owners[_SHINGLE - 1 :]
    values = codes[:-2] << np.uint64(42) | codes[1:-1] << np.uint64(21) | codes[2:]
    return values[inside], owners[: 1 - _SHINGLE][inside]


def _distinct(values: np.ndarray) -> np.ndarray:
    """Return the distinct values, ascending; by sorting, which is faster here than numpy's way."""
    values = np.sort(values)
    return np.asarray(values[np.diff(values, prepend=values[:1] + 1) != 0])


def _without(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the values that are not among `known`, which ascends."""
    if not len(known):
        return values
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.asarray(values[known[places] != values])


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start, size = 0, 0
    for end, text in enumerate(texts, 1):
        size += len(text)
        if size >= _CHUNK or end == len(texts):
            yield texts[start:end]
            start, size = end, 0


def _bands(shingles: Flat, vocabulary: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the bucket of every text [N] uint64, band by band: five least hashes, mixed."""
    if len(shingles) < 2:
        return
    seeds = stream(0, "near duplicates", 0).bit_generator.random_raw(_BANDS * _HASHES)
    starts = shingles.offsets[:-1]
    for band in range(_BANDS):
        buckets = np.zeros(len(shingles), np.uint64)
        for seed in seeds[band * _HASHES : (band + 1) * _HASHES]:
            hashes = (_mixed(vocabulary ^ seed) >> np.uint64(32)).astype(np.uint32)
            buckets = _mixed(buckets ^ np.minimum.reduceat(hashes[shingles.values], starts))
        yield buckets


def _mixed(values: np.ndarray) -> np.ndarray:
    """Return 64-bit numbers scrambled one to one (the finaliser of SplitMix64)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ mixed >> np.uint64(31))


def _candidates(buckets: np.ndarray) -> np.ndarray:
    """Return pairs of one bucket as i * N + j, i < j: each text and the 16 that follow it."""
    order = np.argsort(buckets, kind="stable")
    buckets = buckets[order]
    found = []
    for step in range(1, _WINDOW + 1):
        same = np.flatnonzero(buckets[:-step] == buckets[step:])
        if not len(same):
            break
        found.append(order[same] * len(order) + order[same + step])
    return np.concatenate([np.zeros(0, np.int64), *found])


def _similarities(shingles: Flat, pairs: np.ndarray, threshold: float) -> np.ndarray:
    """Return the Jaccard similarity of each pair, 0 where sizes alone put it below `threshold`."""
    sizes = shingles.lengths
    one, other = pairs // len(shingles), pairs % len(shingles)
    least, most = np.minimum(sizes[one], sizes[other]), np.maximum(sizes[one], sizes[other])
    found = np.zeros(len(pairs))
    open_ = np.flatnonzero(least >= threshold * most)
    ends = (sizes[one] + sizes[other])[open_].cumsum()
    cuts = np.searchsorted(ends, np.arange(_CHUNK, ends[-1] if len(ends) else 0, _CHUNK))
    for some in np.split(open_, cuts):
        if len(some):
            both = sizes[one[some]] + sizes[other[some]]
            shared = _shared(shingles, one[some], other[some])
            found[some] = shared / (both - shared)
    return found


def _shared(shingles: Flat, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how many shingles the texts of each pair have in common, [P] int64."""
    pieces = []
    for side in (one, other):
        sizes = shingles.lengths[side]
        pair = np.repeat(np.arange(len(side)), sizes)
        # Where each text's shingles stand: its own start, counted up.
        inside = np.arange(len(pair)) - np.repeat(sizes.cumsum() - sizes, sizes)
        values = shingles.values[np.repeat(shingles.offsets[side], sizes) + inside]
        pieces.append(pair << np.int64(32) | values)
    both = np.sort(np.concatenate(pieces))
    twice = both[:-1][both[:-1] == both[1:]] >> np.int64(32)
    return np.bincount(twice, minlength=len(one))
