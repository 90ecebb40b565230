"""How far made titles carry: trained on what `titlekit data make` writes, tested on real ones.

    python benchmarks/titles.py FOLDER --work DIR [--seeds 42,43] [--models tfidf-lr,minilm]

FOLDER has the public layout: positive.txt, negative.txt and a test table. Three sets of training
rows, each at the default settings of `titlekit train`: the wrong titles made from positive.txt (no
line of negative.txt is read), the grammar alone (`titlekit train` without data), and, as a
reference, the real lines of both files. The test table is read once a run, after training.
Runs are kept in DIR and continued where they were stopped; rows that stand in
benchmarks/results/titles.json are not measured again.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
from pathlib import Path
from typing import Any

from record import Record

from titlekit.cli.main import main as titlekit_command
from titlekit.core.config import TrainConfig
from titlekit.core.data.folder import test_file, title_files
from titlekit.core.data.load import load_labelled, read_training
from titlekit.core.evidence.evaluation import evaluate
from titlekit.core.inference.ensemble import load
from titlekit.core.run_folder import read_json
from titlekit.core.session import resume, train

SOURCES = ("own good titles", "grammar", "real lines")
MODELS = ("tfidf-lr", "minilm")


def made_from(folder: str, work: Path, seed: int) -> Path:
    """Return the table that `titlekit data make --from` makes of a folder's correct titles."""
    out = work / f"made-{seed}"
    good = dict(title_files(folder))["correct"]
    if not out.exists():
        words = ["data", "make", "--from", good, "--seed", str(seed), "--out", str(out)]
        _run(words)
    return out / "titles.csv"


def measure(source: str, model: str, seed: int, folder: str, work: Path) -> dict[str, Any]:
    """Train one run at the default settings, or continue it; return its row."""
    options: dict[str, Any] = {"model": model, "split_seed": seed}
    if model != "tfidf-lr":
        options["seed"] = seed
    if source == "own good titles":
        options["train"] = str(made_from(folder, work, seed))
    elif source == "real lines":
        options["train"] = folder
    out = work / f"{source.replace(' ', '-')}-{model}-{seed}"
    if not (out / "run.json").is_file():
        train(**options, test=test_file(folder), out=str(out))
    elif read_json(out / "run.json")["status"] != "finished":
        resume(out, {})
    run = read_json(out / "run.json")
    predictor = load(out)
    test = evaluate(predictor, load_labelled(test_file(folder) or "", predictor.labels)).to_json()
    value = {name: option["value"] for name, option in run["options"].items()}
    data = run["data"]["train"]
    return {
        "source": source, "model": model, "seed": seed,
        "train_rows": data["rows"], "train_sha256": data["sha256"],
        "epochs": value["epochs"] if model != "tfidf-lr" else None,
        "validation_f1": round(read_json(out / "eval_results.json")["f1"], 4),
        **{key: round(test[key], 4) for key in ("accuracy", "f1", "recall", "specificity")},
        "roc_auc": round(test["roc_auc"], 4), "rows": test["rows"],
        "intervals": test["intervals"], "accuracy_all_rows": round(test["accuracy_all_rows"], 4),
        "train_runtime": run["costs"]["train_runtime"],
    }  # fmt: skip


def _run(words: list[str]) -> None:
    try:
        titlekit_command(words)
    except SystemExit as end:
        if end.code:
            raise


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--work", required=True)
    parser.add_argument("--seeds", default="42")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--sources", default=",".join(SOURCES))
    given = parser.parse_args()
    logging.getLogger("titlekit").setLevel(logging.WARNING)
    work = Path(given.work)
    work.mkdir(parents=True, exist_ok=True)
    data = read_training(TrainConfig(train=[given.folder], valid="0"))
    test = test_file(given.folder)
    assert test is not None, "FOLDER has no test table"
    about = {
        "command": "python benchmarks/titles.py FOLDER --work DIR",
        "data": {
            "rows": len(data.train), "sha256": data.train.sha256, "test": os.path.basename(test),
            "test_sha256": hashlib.sha256(Path(test).read_bytes()).hexdigest(),
        },
    }  # fmt: skip
    for model in given.models.split(","):
        for seed in map(int, given.seeds.split(",")):
            for source in given.sources.split(","):
                if not Record("titles", about).has(source=source, model=model, seed=seed):
                    row = measure(source, model, seed, given.folder, work)
                    Record("titles", about).add(row)  # read anew: two may measure side by side


if __name__ == "__main__":
    main()
