"""Rows a second on this machine, beside what people use: training steps and answers.

    python benchmarks/speed.py DATA [--rounds 5] [--steps 24] [--titles 2000]

DATA is what `titlekit train` reads; 4,000 of its rows are trained on and others are answered. All
contenders have the same encoder, rows, batch of 32, threads and rate, in one process, one after the
other in each round; the order turns from round to round. What is timed is steady: steps after the
first two of a round, with the making of batches, not the start and not the tokenising. Rows that
stand in benchmarks/results/speed.json are not measured again. bf16 is measured where the processor
has it. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import logging
import os
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
from titlekit.core.inference.export import Wanted, export_run
from titlekit.core.inference.onnx import load_onnx
from titlekit.core.inference.predictor import Predictor, load_run
from titlekit.core.prepare import make_plugins, prepare
from titlekit.core.session import train
from titlekit.core.training import trainer as training
from titlekit.core.unpadded import PADDED
from titlekit.plugins.amp import best_dtype

BATCH, MODEL, LIMIT, WIDTH, LR = 32, "minilm", 4000, 96, 5e-5
UNTIMED = 2  # steps of a round

Steps = Callable[[int], tuple[int, float, int]]  # steps -> rows, seconds, tokens


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

    def steps(count: int) -> tuple[int, float, int]:
        rows = tokens = 0
        started = time.perf_counter()
        for number in range(count):
            if number == UNTIMED:
                rows = tokens = 0
                started = time.perf_counter()
            batch = trainer.feed.batch(trainer.run.step)
            trainer.optimizer_step(batch)
            rows += len(batch)
            tokens += int(trainer.feed.tokens.lengths[batch].sum())
        return rows, time.perf_counter() - started, tokens

    return steps


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

    def steps(count: int) -> tuple[int, float, int]:
        seen = tokens = 0
        started = time.perf_counter()
        for number in range(count):
            if number == UNTIMED:
                seen = tokens = 0
                started = time.perf_counter()
            *inputs, labels, sizes = next(batches)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=short):
                loss = model(**dict(zip(names, inputs, strict=True)), labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            loss.item()
            seen, tokens = seen + len(labels), tokens + int(sizes.sum())
        return seen, time.perf_counter() - started, tokens

    return steps


def hugging_face(data: TrainingData, short: bool, grouped: bool, folder: Path) -> Steps:
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
            str(folder), max_steps=count, per_device_train_batch_size=BATCH, learning_rate=LR,
            bf16=short, use_cpu=True, report_to=[], save_strategy="no", logging_steps=500,
            disable_tqdm=True, dataloader_pin_memory=False, seed=int(time.time()) % 2**31,
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


def trainings(data: TrainingData, folder: Path) -> dict[str, Callable[[], Steps]]:
    """Return who is to train, by name, each made when it is needed."""
    found: dict[str, Callable[[], Steps]] = {
        "plain script padded to 96": lambda: plain(data, False),
        "Trainer": lambda: hugging_face(data, False, False, folder),
        "Trainer, grouped by length": lambda: hugging_face(data, False, True, folder),
        "titlekit, padded": lambda: ours(data, "", True),
        "titlekit": lambda: ours(data, "", False),
        "titlekit, fgm": lambda: ours(data, "fgm", False),
        "titlekit, fgm every 2": lambda: ours(data, "fgm(every=2)", False),
    }
    if best_dtype(torch.device("cpu")) == "bf16":
        found |= {
            "plain script padded to 96, bf16": lambda: plain(data, True),
            "Trainer, bf16": lambda: hugging_face(data, True, False, folder),
            "Trainer, grouped by length, bf16": lambda: hugging_face(data, True, True, folder),
            "titlekit, padded, bf16": lambda: ours(data, "amp", True),
            "titlekit, bf16": lambda: ours(data, "amp", False),
        }
    return found


def answers(run: Path, texts: list[str]) -> dict[str, Callable[[], object]]:
    """Return who is to answer, by name: each call answers all texts, tokenising included."""
    import transformers

    transformers.logging.set_verbosity_error()
    titlekit, padded = load_run(run, "cpu"), load_run(run, "cpu")
    vars(padded)["layout"] = PADDED
    export_run(run, run / "onnx", Wanted())
    export_run(run, run / "onnx-int8", Wanted(quantize="int8"))
    graph, small = load_onnx(run / "onnx"), load_onnx(run / "onnx-int8")
    pipe = transformers.pipeline("text-classification", model=str(run), device="cpu")
    return {
        "pipeline, batch 1": lambda: pipe(texts, batch_size=1, truncation=True),
        "pipeline, batch 32": lambda: pipe(texts, batch_size=32, truncation=True),
        "onnxruntime float32, batch 32 as they come": lambda: unsorted(graph, texts),
        "onnxruntime int8, batch 32 as they come": lambda: unsorted(small, texts),
        "titlekit, padded": lambda: padded.predict(texts),
        "titlekit": lambda: titlekit.predict(texts),
        "titlekit, export": lambda: graph.predict(texts),
        "titlekit, export int8": lambda: small.predict(texts),
    }


def unsorted(by: Predictor, texts: list[str]) -> None:
    """Answer with an exported model as most scripts do: 32 texts as they come."""
    tokens = by.encoder(texts)
    for start in range(0, len(texts), BATCH):
        by.model._batch(tokens.padded(np.arange(start, min(start + BATCH, len(texts)))))


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


def measure(record: Record, part: str, given: argparse.Namespace, data: TrainingData) -> None:
    """Measure the rounds that are missing, all contenders in each."""
    todo = [number for number in range(given.rounds) if not record.has(part=part, round=number)]
    if not todo:
        return
    with tempfile.TemporaryDirectory(prefix="titlekit-") as place:
        folder = Path(place)
        if part == "train":
            who: dict[str, Any] = {n: m() for n, m in trainings(data, folder).items()}
        else:
            done = train(
                model=MODEL, train=[given.data], limit=LIMIT, epochs=1.0, out=str(folder / "run")
            )
            texts = list(data.train.texts[: given.titles])
            who = answers(done.folder, texts)
            for one in who.values():
                one()  # untimed
        for number in todo:
            names = list(who)
            turned = names[number % len(names) :] + names[: number % len(names)]
            rows = []
            for name in turned:
                if part == "train":
                    seen, seconds, tokens = who[name](given.steps + UNTIMED)
                else:
                    started = time.perf_counter()
                    who[name]()
                    seen, seconds, tokens = len(texts), time.perf_counter() - started, 0
                rows.append({
                    "part": part, "round": number, "who": name, "rows": seen, "tokens": tokens,
                    "seconds": round(seconds, 3), "rows_per_second": round(seen / seconds, 1),
                })  # fmt: skip
            peak = round(matrix_peak(), 1)
            for row in rows:  # a round counts whole or not at all
                record.add({**row, "matrix_gflops": peak, "load": round(os.getloadavg()[0], 2)})


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--titles", type=int, default=2000)
    parser.add_argument("--parts", default="train,predict")
    given = parser.parse_args()
    logging.getLogger("titlekit").setLevel(logging.ERROR)
    data = load_training(TrainConfig(train=[given.data], limit=LIMIT, valid="0"))
    told = about("python benchmarks/speed.py DATA", data)
    told |= {"model": MODEL, "batch_size": BATCH, "torch_threads": torch.get_num_threads()}
    layers = [part for part in encoder()[0].modules() if isinstance(part, torch.nn.Linear)]
    told["matrix_parameters"] = sum(part.weight.numel() for part in layers)
    for part in given.parts.split(","):
        measure(Record("speed", told), part, given, data)


if __name__ == "__main__":
    main()
