"""What a run leaves when the loop is over: model, results, card, run.json."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from .config import TrainConfig
from .data.load import Dataset, TrainingData, leak, load_labelled
from .device import peak_memory
from .errors import DataError
from .evidence.evaluation import Evaluation, evaluate, write_predictions
from .inference.decision import Decision
from .inference.predictor import Predictor, load_run
from .model_card import model_card
from .plan import plan
from .prepare import Job, test_path
from .run_folder import write_json, write_text
from .training.watch import idle

log = logging.getLogger("titlekit")

# Rows -> the names of their results and of their predictions.
_FILES = {"validation": ("eval", "valid"), "fold": ("fold", "fold"), "test": ("test", "test")}

Evaluations = dict[str, Evaluation]  # by the name of the rows


def write_results(
    job: Job, folder: Path, described: dict[str, Any], warnings: list[str], seconds: float
) -> tuple[Evaluations, DataError | None]:
    """Write the finished folder; the test rows are read here, after training, and once.

    Fills `described` (run.json) with counters, costs and the outcome. A test file that cannot be
    used is returned as an error: the training took hours, perhaps, and it must not cost them.
    """
    run = job.trainer.run
    for name in idle(job.plugins):
        log.warning("the plugin %s was named and did nothing in this run", name)
    save_model(run.model, job.tokenizer, folder, job.encoder.max_length, job.encoder.truncation)
    Decision(groups=job.data.groups or {}).write(folder)
    found, fault = score_again(job.config, job.data, folder)
    if "test" in found:
        described["data"]["test"] = describe_test(job.data, found["test"].dataset)
    described["plugins"]["counters"] = {plugin.name: plugin.counts() for plugin in job.plugins}
    described["result"] = {
        "steps": run.step, "real_steps": int(run.real_steps or 0), "epochs": run.epoch,
        "metric": run.metric, "best": run.best, "best_step": run.best_step,
        "stop_reasons": run.stop_reasons, "micro_batches": run.micro_batches,
        "warnings": warnings,
    }  # fmt: skip
    described["plan"] = plan(job)
    described["costs"] = _costs(job, seconds)
    train_results = {key: described["costs"][key] for key in _TRAIN_RESULTS}
    write_json(folder / "train_results.json", {**train_results, "epoch": run.epoch})
    results = {name: evaluation.to_json() for name, evaluation in found.items()}
    write_text(folder / "README.md", model_card(described, results))
    described["status"] = "finished"
    write_json(folder / "run.json", described)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return found, fault


def score_again(
    config: TrainConfig, data: TrainingData, folder: Path
) -> tuple[Evaluations, DataError | None]:
    """Score a saved model on all rows that its run does not train on, and write what is found.

    The same rows give the same files. Returns an error where the test file cannot be used.
    """
    predictor = load_run(folder, config.device)
    found: Evaluations = {}
    for name, rows in (("validation", data.valid), ("fold", data.fold)):
        if rows is not None:
            found[name] = _evaluated(predictor, data.answered(rows), folder, name)
    try:
        test = _read_test(config, data)
        if test is not None:
            found["test"] = _evaluated(predictor, test, folder, "test")
    except DataError as error:
        return found, error
    return found, None


_TRAIN_RESULTS = ("train_runtime", "train_samples_per_second")


def save_model(model: Any, tokenizer: Any, folder: Path, max_length: int, truncation: str) -> None:
    """Save as transformers does, beside and then renamed into the folder."""
    model.config.problem_type = "single_label_classification"
    side = "left" if truncation == "tail" else "right"
    tokenizer.model_max_length, tokenizer.truncation_side = max_length, side
    tokenizer.init_kwargs["truncation_side"] = side  # else save_pretrained forgets it
    with tempfile.TemporaryDirectory(dir=folder, prefix=".model-") as beside:
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        mode = (folder / "config.toml").stat().st_mode
        # config.json last: a folder with it is a model that is there.
        for path in sorted(Path(beside).iterdir(), key=lambda path: path.name == "config.json"):
            path.chmod(mode)  # safetensors writes files that others may not read
            os.replace(path, folder / path.name)


def _evaluated(predictor: Predictor, rows: Dataset, folder: Path, name: str) -> Evaluation:
    results, predictions = _FILES[name]
    evaluation = evaluate(predictor, rows)
    write_json(folder / f"{results}_results.json", evaluation.to_json())
    write_predictions(folder / "predictions" / f"{predictions}.csv", evaluation)
    return evaluation


def _read_test(config: TrainConfig, data: TrainingData) -> Dataset | None:
    """Return the test rows, where there are any."""
    path = test_path(config)
    if not path:
        return None
    return load_labelled(
        path, data.answers, text_column=config.text_column, label_column=config.label_column,
        pair_column=config.text_pair_column, encoding=config.encoding, fix_text=config.fix_text,
    )  # fmt: skip


def describe_test(data: TrainingData, test: Dataset) -> dict[str, Any]:
    """Return what run.json says of the test rows; those that were trained on are warned of."""
    leaked = leak(data.train, test)
    if leaked:
        log.warning(
            "%d of the %d test rows also stand in the training rows: the metrics will flatter",
            leaked, len(test.texts),
        )  # fmt: skip
    return {
        "name": test.name, "rows": len(test.texts), "sha256": test.sha256,
        "blank_rows": len(test.blank_lines), "also_in_train": leaked,
    }  # fmt: skip


def _costs(job: Job, seconds: float) -> dict[str, Any]:
    run = job.trainer.run
    rows = run.step / run.steps_per_epoch * job.trainer.feed.drawn
    return {
        "train_runtime": round(seconds, 3),
        "train_samples_per_second": round(rows / seconds, 3) if seconds else None,
        "forward_passes": run.forwards,
        **peak_memory(run.device),
    }
