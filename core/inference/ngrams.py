"""Texts as TF-IDF rows of their n-grams: the numbers of scikit-learn's TfidfVectorizer.

Tests hold them to that class. A word is taken apart once, however often it occurs, which makes
long files several times faster, and nothing but numpy and scipy is loaded.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

WORD, CHAR = "word", "char_wb"  # scikit-learn's names of its analyzers

_TOKEN = re.compile(r"(?u)\b\w\w+\b")  # TfidfVectorizer's own: words of two characters or more
_WINDOW = 8192  # texts that are counted together
_CACHED = 1 << 16  # words whose n-grams are kept
_LONG = 64  # characters of a word that is likely to come again


@dataclasses.dataclass(frozen=True)
class Grams:
    """Which n-grams are counted: runs of `low` to `high` words, or characters within words."""

    kind: str
    low: int
    high: int
    lowercase: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """The n-grams of one kind that were learnt, and what each of them weighs."""

    grams: Grams
    known: dict[str, int]  # n-gram -> column
    idf: np.ndarray  # [F] float64
    words: dict[str, list[int]] = dataclasses.field(default_factory=dict, repr=False)  # taken apart

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "words": {}}

    def rows(self, texts: Sequence[str]) -> Any:
        """Return the texts as a sparse matrix [N, F] float64, each row of length 1 or 0."""
        known = self.known

        def columns(found: list[str]) -> list[int]:
            return [known[gram] for gram in found if gram in known]

        take = _taker(self.grams, columns, self.words)
        return _weighed(_counts(texts, take, lambda: len(known)), self.idf)


def learn(texts: Sequence[str], grams: Grams, least: int) -> tuple[Block, Any]:
    """Return the n-grams that stand in `least` texts or more, and the texts' rows [N, F].

    idf = ln((1 + N) / (1 + texts with it)) + 1, counts enter as 1 + ln(count), rows are scaled to
    length 1: TfidfVectorizer(sublinear_tf=True, min_df=least).
    """
    met: dict[str, int] = {}

    def columns(found: list[str]) -> list[int]:
        return [met.setdefault(gram, len(met)) for gram in found]

    counts = _counts(texts, _taker(grams, columns, {}), lambda: len(met))
    frequency = np.bincount(counts.indices, minlength=len(met))
    kept = sorted(gram for gram, column in met.items() if frequency[column] >= least)
    order = np.array([met[gram] for gram in kept], np.int64)
    idf = np.log((1 + len(texts)) / (1 + frequency[order])) + 1
    block = Block(grams, {gram: column for column, gram in enumerate(kept)}, idf)
    return block, _weighed(counts[:, order], idf)


def word_grams(text: str, low: int, high: int) -> list[str]:
    """Return the runs of `low` to `high` words of a text, a space between the words."""
    words = _TOKEN.findall(text)
    found = words if low == 1 else []
    for size in range(max(2, low), min(high, len(words)) + 1):
        found = found + [" ".join(words[at : at + size]) for at in range(len(words) - size + 1)]
    return found


def char_grams(word: str, low: int, high: int) -> list[str]:
    """Return the runs of `low` to `high` characters of a word, with a space at either end.

    One that is shorter than a run counts as it is, once.
    """
    word = f" {word} "
    found = []
    for size in range(low, high + 1):
        found += [word[at : at + size] for at in range(max(1, len(word) - size + 1))]
        if len(word) <= size:
            break
    return found


Take = Callable[[str], Iterator[list[int]]]  # a text -> columns of its n-grams, in parts


def _counts(texts: Sequence[str], take: Take, width: Callable[[], int]) -> Any:
    """Return how often each n-gram stands in each text, sparse [N, F] float64.

    width() is how many columns there are by now.
    """
    from scipy.sparse import csr_matrix

    parts: list[Any] = []
    for start in range(0, len(texts), _WINDOW):
        found: list[int] = []
        ends = [0]
        for text in texts[start : start + _WINDOW]:
            for part in take(text):
                found += part
            ends.append(len(found))
        cells = (np.ones(len(found)), np.array(found, np.int32), np.array(ends, np.int64))
        part = csr_matrix(cells, shape=(len(ends) - 1, width()))
        part.sum_duplicates()
        parts.append(part)
    lengths = [np.zeros(1, np.int64), *(np.diff(part.indptr) for part in parts)]
    values, places = (
        np.concatenate([np.zeros(0, kind), *(getattr(part, name) for part in parts)])
        for name, kind in (("data", np.float64), ("indices", np.int32))
    )
    return csr_matrix((values, places, np.concatenate(lengths).cumsum()), (len(texts), width()))


def _taker(
    grams: Grams, columns: Callable[[list[str]], list[int]], words: dict[str, list[int]]
) -> Take:
    """Return what takes a text apart; columns(n-grams) gives their columns, known or new ones.

    `words` keeps the columns of words that were taken apart.
    """

    def by_text(text: str) -> Iterator[list[int]]:
        text = text.lower() if grams.lowercase else text
        yield columns(word_grams(text, grams.low, grams.high))

    def by_word(text: str) -> Iterator[list[int]]:
        for word in (text.lower() if grams.lowercase else text).split():
            found = words.get(word)
            if found is None:
                found = columns(char_grams(word, grams.low, grams.high))
                if len(word) <= _LONG and len(words) < _CACHED:
                    words[word] = found
            yield found

    return by_word if grams.kind == CHAR else by_text


def _weighed(counts: Any, idf: np.ndarray) -> Any:
    """Turn counts into TF-IDF weights, in place."""
    counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
    of_row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(of_row, counts.data**2, counts.shape[0]))
    counts.data /= length[of_row]
    return counts
