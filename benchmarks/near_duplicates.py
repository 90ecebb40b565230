"""Near duplicates at growing sizes: seconds, memory, and recall against brute force.

    python benchmarks/near_duplicates.py [DATA] [--rows N ...]

DATA is what `titlekit train` reads; without it, synthetic titles. Lines are made from its texts by
a seed: at most half of them are texts as they stand; of the others nine in ten are the beginning of
one text and the end of another, and one is a text with one to six characters changed. Each size
runs in a process of its own. Recall is over the pairs that 2,000 of the lines, drawn by a seed,
have by brute force. A whole `titlekit check` of DATA as it is, page and time of a training
included, is timed as a person would: from the command to its end. Rows that stand in
benchmarks/results/near_duplicates.json are not measured again.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from record import Record

from titlekit.core.config import TrainConfig
from titlekit.core.data.load import read_training
from titlekit.core.data.near import near_duplicates
from titlekit.core.data.splits import normalise

SIZES = (4_000, 12_000, 29_000, 58_000, 116_000, 232_000)
PROBED = 2_000
BLOCK = 100  # lines whose similarity to all others is in memory at once
SEED = 7
THRESHOLD = 0.8


def make_lines(texts: list[str], rows: int) -> list[str]:
    """Return `rows` lines that normalise to distinct keys, those of texts as they stand first."""
    rng = random.Random(SEED)
    whole = rng.sample(texts, min(rows // 2, len(texts)))
    known: dict[str, None] = dict.fromkeys(filter(None, map(normalise, whole)))
    while len(known) < rows:
        if rng.random() < 0.1:
            line = noisy(rng.choice(texts), rng)
        else:
            start, end = rng.choice(texts).split(), rng.choice(texts).split()
            line = " ".join(start[: (len(start) + 1) // 2] + end[len(end) // 2 :])
        if key := normalise(line):
            known[key] = None
    return list(known)[:rows]


def noisy(text: str, rng: random.Random) -> str:
    """Return a text with one to six characters dropped, doubled or replaced."""
    letters = list(text)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(letters))
        letters[place] = rng.choice(["", letters[place] * 2, chr(rng.randint(97, 122))])
    return "".join(letters)


def brute_force(keys: list[str], numbers: list[int]) -> set[tuple[int, int]]:
    """Return the pairs that hold one of `numbers`, by intersections as a product of matrices."""
    from scipy.sparse import csr_matrix

    pieces = [sorted({key[at : at + 3] for at in range(len(key) - 2)}) for key in keys]
    known = {piece: n for n, piece in enumerate({piece for some in pieces for piece in some})}
    columns = [known[piece] for some in pieces for piece in some]
    starts = np.cumsum([0, *map(len, pieces)])
    matrix = csr_matrix((np.ones(len(columns), np.float32), columns, starts))
    sizes, turned = np.diff(starts), matrix.T.tocsr()
    found = set()
    for at in range(0, len(numbers), BLOCK):
        some = np.array(numbers[at : at + BLOCK])
        shared = (matrix[some] @ turned).tocoo()
        row = some[shared.row]
        share = shared.data / (sizes[row] + sizes[shared.col] - shared.data)
        keep = (share >= THRESHOLD) & (row != shared.col)
        pairs = zip(row[keep].tolist(), shared.col[keep].tolist(), strict=True)
        found |= {(min(pair), max(pair)) for pair in pairs}
    return found


def measure(texts: list[str], rows: int) -> dict[str, Any]:
    """Return seconds, memory and recall of one size; runs in a process of its own."""
    keys = make_lines(texts, rows)
    load, before = os.getloadavg()[0], _memory()
    started, worked = time.perf_counter(), time.process_time()
    pairs = near_duplicates(keys, THRESHOLD)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    after = _memory()
    numbers = random.Random(SEED).sample(range(rows), min(PROBED, rows))
    wanted = brute_force(keys, numbers)
    got = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    probed = set(numbers)
    false = sum(bool(probed & set(pair)) for pair in got - wanted)
    return {
        "kind": "near", "rows": rows, "characters": sum(map(len, keys)), "pairs": len(pairs),
        "seconds": round(seconds, 2), "processor_seconds": round(worked, 2),
        "memory_before_mb": round(before), "peak_memory_mb": round(after),
        "probed_rows": len(numbers), "probed_pairs": len(wanted),
        "recall": round(len(wanted & got) / max(1, len(wanted)), 5), "false_pairs": false,
        "load": round(load, 1),
    }  # fmt: skip


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def page(data: str) -> dict[str, Any]:
    """Return the seconds of a whole check of DATA with the default model, from start to page."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "report.html"
        words = ["-m", "titlekit.cli", "check", data, "--html", str(place), "--time", "-q"]
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used
        size = place.stat().st_size
    return {
        "kind": "page", "seconds": round(seconds, 1), "processor_seconds": round(used, 1),
        "page_bytes": size, "load": round(load, 1),
    }  # fmt: skip


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default="")
    parser.add_argument("--rows", type=int, nargs="*", default=SIZES)
    given = parser.parse_args()
    logging.getLogger("titlekit").setLevel(logging.ERROR)
    source = [given.data] if given.data else []
    data = read_training(TrainConfig(train=source, rows=20_000, valid="0")).train
    about = {
        "command": f"python benchmarks/near_duplicates.py{' DATA' if given.data else ''}",
        "data": {"rows": len(data), "sha256": data.sha256},
        "threshold": THRESHOLD, "seed": SEED,
    }  # fmt: skip
    record = Record("near_duplicates", about)
    for rows in given.rows:
        if not record.has(kind="near", rows=rows):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                record.add(pool.submit(measure, data.texts, rows).result())
    if given.data and not record.has(kind="page"):
        record.add(page(given.data))


if __name__ == "__main__":
    main()
