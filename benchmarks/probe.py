"""What fgm, word-noise and character-noise buy under faults of reading, with several seeds.

    python benchmarks/probe.py DATA [--seeds 1 2 3] [--limit N] [--model minilm]

DATA is what `titlekit train` reads. A fifth of its rows is split off, the same for all runs, and
takes no part in the training (no best weights are chosen by it: the last ones are probed). Every
setting is trained with each seed and probed on a thousand of those rows, evenly spread, all with
the same damaged texts. --limit is of the training rows. Rows that stand in
benchmarks/results/probe.json are not measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import tempfile
import time
from pathlib import Path

import numpy as np
from record import Record, about

from titlekit import load, train
from titlekit.core.config import TrainConfig
from titlekit.core.data.dataset import select
from titlekit.core.data.load import load_training
from titlekit.core.evidence.evaluation import evaluate
from titlekit.core.evidence.probe import probe

SETTINGS = {
    "plain": "", "fgm": "fgm", "word-noise": "word-noise", "character-noise": "character-noise",
}  # fmt: skip
EPOCHS = 2.0
ROWS = 1000


def run(setting: str, seed: int, given: argparse.Namespace, folder: Path) -> dict:
    """Train once and probe the rows that were split off; return the row of the result file."""
    options = {"model": given.model, "limit": given.limit, "valid": "0.2", "split_seed": 1}
    started = time.perf_counter()
    done = train(
        train=[given.data], plugins=SETTINGS[setting], seed=seed, epochs=EPOCHS,
        eval_every=EPOCHS, out=str(folder), **options,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    predictor = load(done.folder)
    data = load_training(TrainConfig(train=[given.data], **options))
    places = np.linspace(0, len(data.valid) - 1, min(ROWS, len(data.valid))).astype(int)
    held = select(data.valid, places, data.labels)
    found = probe(predictor, evaluate(predictor, held), seed=1)
    return {
        "setting": setting, "seed": seed, "rows": found.rows, "sha256": held.sha256,
        "train_seconds": round(seconds, 1), "accuracy": round(found.accuracy, 4),
        "faults": [
            {
                **{k: v for k, v in dataclasses.asdict(one).items() if k != "recall"},
                "accuracy": round(one.accuracy, 4), "difference": round(one.difference, 4),
            }
            for one in found.faults
        ],
    }  # fmt: skip


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--model", default="minilm")
    given = parser.parse_args()
    logging.getLogger("titlekit").setLevel(logging.ERROR)
    data = load_training(TrainConfig(train=[given.data], limit=given.limit, valid="0"))
    told = about("python benchmarks/probe.py DATA", data)
    record = Record("probe", {**told, "model": given.model, "epochs": EPOCHS})
    # Seed by seed, so that a stopped benchmark has compared whole sets.
    for seed in given.seeds:
        for setting in SETTINGS:
            if not record.has(setting=setting, seed=seed):
                with tempfile.TemporaryDirectory(prefix="titlekit-") as folder:
                    record.add(run(setting, seed, given, Path(folder) / "run"))


if __name__ == "__main__":
    main()
