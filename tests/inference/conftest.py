"""A classifier that answers in microseconds, for tests of what is around it."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from tiny import FAULTS, TITLES, mark_as_run
from titlekit.core.inference.bag import Bag
from titlekit.core.inference.ngrams import CHAR, Grams, learn


@pytest.fixture(scope="session")
def save_bag():
    """Return a function that saves a bag of n-grams with made weights as a run."""

    def save(folder, seed=0, labels=("wrong", "correct"), pair=False):
        folder.mkdir(parents=True, exist_ok=True)
        block, _ = learn([*TITLES, *FAULTS], Grams(CHAR, 1, 3), 1)
        blocks = 2 if pair else 1
        rows = 1 if len(labels) == 2 else len(labels)
        rng = np.random.default_rng(seed)
        weights = rng.normal(size=(rows, len(block.idf) * blocks))
        given = (block,), (block,) if pair else ()
        Bag([*labels], *given, weights, np.zeros(rows)).write(folder, {})
        mark_as_run(folder, max_length=None, pair_column="other" if pair else None)
        return folder

    return save


@pytest.fixture(scope="session")
def bag(save_bag, tmp_path_factory):
    return save_bag(tmp_path_factory.mktemp("bags") / "bag")


@pytest.fixture(scope="session")
def titles():
    """Return a function that makes titles, some of them equal, in an order of no kind."""

    def make(count):
        words = [word for text in (*TITLES, *FAULTS) for word in text.split()]
        found = []
        for row in range(count):
            number = zlib.crc32(f"{row % (count * 3 // 4 + 1)}".encode())
            found.append(" ".join(words[number // step % len(words)] for step in (1, 97, 1009)))
        return found

    return make
