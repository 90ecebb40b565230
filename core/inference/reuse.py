"""Scores computed once: equal texts are answered together, those of a cache not at all."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from .cache import Cache, text_key
from .decision import Decision
from .ensemble import Ensemble
from .identity import model_digest
from .predictor import Predictor


class Reusing:
    """A classifier, or several as one, that reads each text once a call.

    `distinct` counts the texts that were asked for, equal ones of a call once; `cached` those of
    them whose scores were in the cache.
    """

    def __init__(self, by: Predictor | Ensemble, cache: Cache | None = None) -> None:
        self.by = by
        self.cache = cache
        self.distinct = self.cached = 0

    @property
    def labels(self) -> list[str]:
        """The labels of the answers, in index order."""
        return self.by.labels

    @property
    def positive(self) -> str | None:
        """The positive label."""
        return self.by.positive

    @property
    def decision(self) -> Decision:
        """How a label is chosen."""
        return self.by.decision

    @property
    def classes(self) -> Sequence[str]:
        """The model's own labels, in index order."""
        return self.by.classes

    @property
    def cached_in(self) -> str | None:
        """The file of the cache."""
        return None if self.cache is None else self.cache.path

    @functools.cached_property
    def digest(self) -> str:
        """What the scores depend on beside the text."""
        return model_digest(self.by)

    def class_probabilities(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None
    ) -> np.ndarray:
        """Return probabilities [N, C] float64 of the model's own labels, in order of the texts."""
        seconds: Sequence[str | None] = [None] * len(texts) if pairs is None else pairs
        places: dict[tuple[str, str | None], int] = {}
        rows = [places.setdefault(asked, len(places)) for asked in zip(texts, seconds, strict=True)]
        self.distinct += len(places)
        found = self._looked_up(list(places), pairs is not None)
        return found[np.array(rows, np.int64)]

    def _looked_up(self, asked: list[tuple[str, str | None]], paired: bool) -> np.ndarray:
        if self.cache is None:
            return self._computed(asked, paired)
        keys = [text_key(*one) for one in asked]
        width = len(self.classes)
        known = self.cache.find(self.digest, keys, width)
        new = [place for place, key in enumerate(keys) if key not in known]
        self.cached += len(asked) - len(new)
        found = np.empty((len(asked), width))
        for place, key in enumerate(keys):
            if key in known:
                found[place] = known[key]
        if new:
            found[new] = self._computed([asked[place] for place in new], paired)
            self.cache.keep(self.digest, [keys[place] for place in new], found[new])
        return found

    def _computed(self, asked: list[tuple[str, str | None]], paired: bool) -> np.ndarray:
        texts = [text for text, _ in asked]
        pairs = [pair or "" for _, pair in asked] if paired else None
        return self.by.class_probabilities(texts, pairs)
