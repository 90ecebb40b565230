"""Rows a second on this machine, beside what people use: training steps and answers.

    python benchmarks/speed.py DATA [--rounds 5] [--steps 12] [--titles 2000]

DATA is what `titlekit train` reads; 4,000 of its rows are trained on, and some of them answered.
All contenders have the same encoder, rows, batch of 32, threads and rate. Each runs in a process of
its own, as people run it, one after the other in each round; where a round begins turns. What is
timed is steady: steps after the first two, with the making of batches; answers the second time,
with tokenising. Rounds that stand in benchmarks/results/speed.json are not measured again. bf16 is
measured where the processor has it. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import Record, about

from titlekit.core.config import TrainConfig
from titlekit.core.data.load import TrainingData, load_training
from titlekit.core.device import keep_freed_memory, peak_memory
from titlekit.core.inference.export import Wanted, export_run
from titlekit.core.inference.onnx import load_onnx
from titlekit.core.inference.predictor import load_run
from titlekit.core.prepare import make_plugins, prepare
from titlekit.core.session import train
from titlekit.core.training import trainer as training
from titlekit.core.unpadded import PADDED
from titlekit.plugins.amp import best_dtype

BATCH, MODEL, LIMIT, WIDTH, LR = 32, "minilm", 4000, 96, 5e-5
UNTIMED = 2  # steps of a round

Steps = Callable[[int], tuple[int, float, int]]  # steps -> rows, seconds, tokens


def timed_steps(step: Callable[[], tuple[int, int]]) -> Steps:
    """Return what takes steps, each giving its rows and tokens, and times all but the first two."""

    def steps(count: int) -> tuple[int, float, int]:
        for _ in range(UNTIMED):
            step()
        started = time.perf_counter()
        done = [step() for _ in range(count - UNTIMED)]
        seconds = time.perf_counter() - started
        return sum(rows for rows, _ in done), seconds, sum(tokens for _, tokens in done)

    return steps


def ours(data: TrainingData, plugins: str, padded: bool) -> Steps:
    """Return titlekit's own loop; `padded`: in windows of similar length, as for other encoders."""
    chosen = training.choose
    if padded:
        training.choose = lambda *_: PADDED
    try:
        config = TrainConfig(model=MODEL, plugins=plugins, valid="0", epochs=100.0)
        trainer = prepare(config, {}, make_plugins(config), None, data).trainer
    finally:
        training.choose = chosen
    trainer.start()

    def step() -> tuple[int, int]:
        batch = trainer.feed.batch(trainer.run.step)
        trainer.optimizer_step(batch)
        return len(batch), int(trainer.feed.tokens.lengths[batch].sum())

    return timed_steps(step)


def encoder() -> tuple[Any, Any]:
    """Return the same encoder and tokenizer for a peer."""
    from titlekit.core.models import load_for_training, resolve

    model, tokenizer = load_for_training(resolve(MODEL, True), ["wrong", "correct"], [], 42)
    return model.train(), tokenizer


def plain(data: TrainingData, short: bool) -> Steps:
    """Return the usual script: every row padded to 96, a DataLoader, loss.item() each step."""
    model, tokenizer = encoder()
    made = tokenizer(list(data.train.texts), padding="max_length", truncation=True,
                     max_length=WIDTH, return_tensors="pt")  # fmt: skip
    lengths = made["attention_mask"].sum(1)
    rows = torch.utils.data.TensorDataset(
        *made.values(), torch.from_numpy(data.train.labels), lengths
    )
    names, loader = list(made), torch.utils.data.DataLoader(rows, BATCH, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)

    def endless() -> Any:
        while True:
            yield from loader

    batches = endless()

    def step() -> tuple[int, int]:
        *inputs, labels, sizes = next(batches)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=short):
            loss = model(**dict(zip(names, inputs, strict=True)), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        return len(labels), int(sizes.sum())

    return timed_steps(step)


def hugging_face(data: TrainingData, short: bool, grouped: bool) -> Steps:
    """Return transformers' Trainer with its default collator, rows of similar length if asked."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model, tokenizer = encoder()
    ids = tokenizer(list(data.train.texts), truncation=True, max_length=128)["input_ids"]
    rows = [
        {"input_ids": one, "attention_mask": [1] * len(one), "labels": int(label)}
        for one, label in zip(ids, data.train.labels, strict=True)
    ]
    mean = float(np.mean([len(one) for one in ids]))
    stamps: list[float] = []

    class Clock(transformers.TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            stamps.append(time.perf_counter())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            stamps.append(time.perf_counter())

    def steps(count: int) -> tuple[int, float, int]:
        stamps.clear()
        given = transformers.TrainingArguments(
            tempfile.gettempdir(), max_steps=count, per_device_train_batch_size=BATCH,
            learning_rate=LR, bf16=short, use_cpu=True, report_to=[], save_strategy="no",
            logging_steps=500, disable_tqdm=True, dataloader_pin_memory=False,
            seed=int(time.time()) % 2**31,
            train_sampling_strategy="group_by_length" if grouped else "random",
        )  # fmt: skip
        trainer = transformers.Trainer(
            model=model, args=given, train_dataset=rows, callbacks=[Clock()],
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
        )  # fmt: skip
        trainer.train()
        timed = count - UNTIMED
        # From the end of the last untimed step, so that the making of batches counts.
        seconds = stamps[-1] - stamps[2 * UNTIMED - 1]
        return timed * BATCH, seconds, round(timed * BATCH * mean)

    return steps


def trainings(data: TrainingData) -> dict[str, Callable[[], Steps]]:
    """Return who is to train, by name, each made when it is needed."""
    found: dict[str, Callable[[], Steps]] = {
        "plain script padded to 96": lambda: plain(data, False),
        "Trainer": lambda: hugging_face(data, False, False),
        "Trainer, grouped by length": lambda: hugging_face(data, False, True),
        "titlekit, padded": lambda: ours(data, "", True),
        "titlekit": lambda: ours(data, "", False),
        "titlekit, fgm": lambda: ours(data, "fgm", False),
        "titlekit, fgm every 2": lambda: ours(data, "fgm(every=2)", False),
    }
    if best_dtype(torch.device("cpu")) == "bf16":
        found |= {
            "plain script padded to 96, bf16": lambda: plain(data, True),
            "Trainer, bf16": lambda: hugging_face(data, True, False),
            "Trainer, grouped by length, bf16": lambda: hugging_face(data, True, True),
            "titlekit, padded, bf16": lambda: ours(data, "amp", True),
            "titlekit, bf16": lambda: ours(data, "amp", False),
        }
    return found


def answers(run: Path) -> dict[str, Callable[[], Callable[[list[str]], object]]]:
    """Return who is to answer, by name, each made when it is needed."""
    return {
        "pipeline, batch 1": lambda: pipeline(run, 1),
        "pipeline, batch 32": lambda: pipeline(run, 32),
        "onnxruntime float32, 32 as they come": lambda: unsorted(run / "onnx"),
        "onnxruntime int8, 32 as they come": lambda: unsorted(run / "onnx-int8"),
        "titlekit, padded": lambda: padded(run),
        "titlekit": lambda: load_run(run, "cpu").predict,
        "titlekit, export": lambda: load_onnx(run / "onnx").predict,
        "titlekit, export int8": lambda: load_onnx(run / "onnx-int8").predict,
    }


def pipeline(run: Path, size: int) -> Callable[[list[str]], object]:
    """Return transformers' pipeline."""
    import transformers

    transformers.logging.set_verbosity_error()
    pipe = transformers.pipeline("text-classification", model=str(run), device="cpu")
    return lambda texts: pipe(texts, batch_size=size, truncation=True)


def padded(run: Path) -> Callable[[list[str]], object]:
    """Return the sorted, padded form, as for encoders that need it."""
    by = load_run(run, "cpu")
    vars(by)["layout"] = PADDED
    return by.predict


def unsorted(folder: Path) -> Callable[[list[str]], object]:
    """Return an exported model as most scripts use it: 32 texts as they come."""
    by = load_onnx(folder)

    def answer(texts: list[str]) -> None:
        tokens = by.encoder(texts)
        for start in range(0, len(texts), BATCH):
            by.model._batch(tokens.padded(np.arange(start, min(start + BATCH, len(texts)))))

    return answer


def matrix_peak() -> float:
    """Return the GFLOP/s of float32 products of the encoder's sizes: the limit of a row."""
    a, b = torch.randn(512, 384), torch.randn(384, 1536)
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(100):
            a @ b
        best = max(best, 100 * 2 * a.numel() * b.shape[1] / (time.perf_counter() - started) / 1e9)
    return best


def timed(part: str, who: str, given: argparse.Namespace, data: TrainingData) -> dict[str, Any]:
    """Measure one contender in this process."""
    if part == "train":
        if who.startswith("titlekit"):
            keep_freed_memory()  # as the command line does
        rows, seconds, tokens = trainings(data)[who]()(given.steps + UNTIMED)
    else:
        if who in ("titlekit", "titlekit, padded"):
            keep_freed_memory()
        texts = list(data.train.texts[: given.titles])
        answer = answers(Path(given.run))[who]()
        for _ in range(2):
            started = time.perf_counter()
            answer(texts)
            rows, seconds, tokens = len(texts), time.perf_counter() - started, 0
    return {
        "rows": rows, "tokens": tokens, "seconds": round(seconds, 3),
        "rows_per_second": round(rows / seconds, 1), **peak_memory(torch.device("cpu")),
    }  # fmt: skip


def measure(record: Record, part: str, given: argparse.Namespace, data: TrainingData) -> None:
    """Measure the rounds that are missing, all contenders in each."""
    names = list(trainings(data) if part == "train" else answers(Path()))
    for number in range(given.rounds):
        if record.has(part=part, round=number):
            continue
        rows, peak = [], round(matrix_peak(), 1)
        for who in names[number % len(names) :] + names[: number % len(names)]:
            words = ["--one", part, who, "--steps", str(given.steps), "--titles", str(given.titles)]
            load = round(os.getloadavg()[0], 2)
            done = subprocess.run(
                [sys.executable, __file__, given.data, "--run", given.run, *words],
                check=True, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            found = json.loads(done.stdout.splitlines()[-1])
            rows.append({"part": part, "round": number, "who": who, **found,
                         "matrix_gflops": peak, "load": load})  # fmt: skip
        for row in rows:  # a round counts whole or not at all
            record.add(row)


def exported(given: argparse.Namespace, folder: Path) -> str:
    """Train a run on the rows and export it, for the contenders that answer."""
    options: dict[str, Any] = {"train": [given.data], "limit": LIMIT, "epochs": 1.0}
    run = train(model=MODEL, **options, out=str(folder / "run")).folder
    export_run(run, run / "onnx", Wanted())
    export_run(run, run / "onnx-int8", Wanted(quantize="int8"))
    return str(run)


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--titles", type=int, default=2000)
    parser.add_argument("--parts", default="train,predict")
    parser.add_argument("--run", default="", help="a run that is exported, to answer with")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # this process, one contender
    given = parser.parse_args()
    logging.getLogger("titlekit").setLevel(logging.ERROR)
    data = load_training(TrainConfig(train=[given.data], limit=LIMIT, valid="0"))
    if given.one:
        print(json.dumps(timed(*given.one, given, data)))
        return
    told = about("python benchmarks/speed.py DATA", data)
    told |= {"model": MODEL, "batch_size": BATCH, "torch_threads": torch.get_num_threads()}
    layers = [part for part in encoder()[0].modules() if isinstance(part, torch.nn.Linear)]
    told["matrix_parameters"] = sum(part.weight.numel() for part in layers)
    with tempfile.TemporaryDirectory(prefix="titlekit-") as folder:
        for part in given.parts.split(","):
            if part == "predict" and not given.run:
                given.run = exported(given, Path(folder))
            measure(Record("speed", told), part, given, data)


if __name__ == "__main__":
    main()
