"""Weights and soft targets in the loop: against plain loops, cut into micro-batches, stacked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from console import write_table
from steps import (
    NAMES,
    equal,
    gradients,
    largest_difference,
    plugins,
    random_rows,
    small_model,
    small_trainer,
    weights_of,
)
from titlekit import DataError, TrainConfig, Trainer, train
from titlekit.core.data.load import load_training
from titlekit.core.errors import InterruptedRun
from titlekit.core.prepare import prepare
from titlekit.core.training import checkpoint, state

WEIGHTS = np.random.default_rng(3).choice([0.0, 0.5, 1.0, 3.0], 24).astype(np.float32)
CHANCES = np.random.default_rng(4).dirichlet([0.5, 0.5, 0.5], 24).astype(np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[random_rows().labels]


def trainer_on(spelling="", *, weights=None, targets=None, dropout=0.0, **options):
    rows = dataclasses.replace(random_rows(weights=weights), targets=targets)
    folder = options.pop("folder", None)
    defaults = {"lr": 1e-3, "batch_size": 8, "epochs": 2.0, "eval_every": 0.5, "warmup_ratio": 0.0}
    return Trainer(
        small_model(dropout), rows, random_rows(20, seed=2), labels=NAMES,
        plugins=plugins(spelling), folder=folder, config=TrainConfig(**{**defaults, **options}),
    )  # fmt: skip


# Against plain loops


def test_weights_and_soft_targets_equal_a_plain_loop():
    trainer = trainer_on(
        weights=WEIGHTS, targets=CHANCES, epochs=1.0, weight_decay=0.0, max_grad_norm=0.0,
        grad_accum=3, eval_every=1.0,
    )  # fmt: skip
    batches = [trainer.feed.batch(step) for step in range(3)]
    trainer.fit()

    model, rows = small_model().train(), random_rows()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    for step, batch in enumerate(batches):
        optimizer.param_groups[0]["lr"] = 1e-3 * (3 - step) / 3
        inputs = {k: torch.from_numpy(v) for k, v in rows.tokens.padded(batch).items()}
        weight, chances = torch.from_numpy(WEIGHTS[batch]), torch.from_numpy(CHANCES[batch])
        log_q = torch.log_softmax(model(**inputs).logits, -1)
        # Kullback and Leibler's divergence: its gradient is that of the cross-entropy.
        apart = torch.nn.functional.kl_div(log_q, chances, reduction="none").sum(-1)
        optimizer.zero_grad()
        ((weight * apart).sum() / weight.sum()).backward()
        optimizer.step()
    assert largest_difference(weights_of(trainer.run.model), weights_of(model)) < 2e-6


def test_a_weight_of_two_is_the_row_twice():
    weights = np.ones(24, np.float32)
    weights[[1, 4]] = 2, 3
    found = gradients(trainer_on(weights=weights, targets=CHANCES), [0, 1, 4, 9])
    twice = gradients(trainer_on(targets=CHANCES), [0, 1, 1, 4, 4, 4, 9])
    assert largest_difference(found, twice) < 1e-6


def test_only_the_ratio_of_weights_counts():
    one = gradients(trainer_on("r-drop", weights=WEIGHTS, dropout=0.1))
    other = gradients(trainer_on("r-drop", weights=WEIGHTS * 1024, dropout=0.1))
    assert equal(one, other)


@pytest.mark.parametrize("spelling", ["", "label-smoothing,r-drop,fgm", "focal,pgd(at='inputs')"])
def test_weights_of_1_and_one_hot_targets_are_plain_training_bit_for_bit(spelling):
    options = {"dropout": 0.1, "grad_accum": 2}
    plain = trainer_on(spelling, **options)
    same = trainer_on(spelling, weights=np.ones(24, np.float32), targets=ONE_HOT, **options)
    plain.fit()
    same.fit()
    assert equal(weights_of(plain.run.model), weights_of(same.run.model))
    assert plain.run.metrics == same.run.metrics


# Losses on soft targets, each written out


def losses(chances, logits, counts):
    """What each loss is on class-probability rows, in plain numpy."""
    q = np.exp(logits - logits.max(1, keepdims=True))
    q /= q.sum(1, keepdims=True)
    weights = len(random_rows().labels) / (3 * counts)
    return {
        "cross-entropy": -(chances * np.log(q)).sum(1),
        "focal(gamma=2)": -(chances * (1 - q) ** 2 * np.log(q)).sum(1),
        "gce(q=0.5)": (chances * (1 - q**0.5) / 0.5).sum(1),
        "weighted-ce": -(weights * chances * np.log(q)).sum(1),
        "class-balanced(beta=1)": -(weights * chances * np.log(q)).sum(1),
        "label-smoothing(epsilon=0.3)": -((0.7 * chances + 0.1) * np.log(q)).sum(1),
    }


@pytest.mark.parametrize("spelling", list(losses(ONE_HOT, ONE_HOT, np.ones(3))))
def test_each_loss_is_its_formula_on_soft_targets(spelling):
    trainer = trainer_on(spelling, weights=WEIGHTS, targets=CHANCES)
    batch = np.arange(10)
    trainer.run.model.train()
    found = float(trainer.backward(batch))
    inputs = {k: torch.from_numpy(v) for k, v in random_rows().tokens.padded(batch).items()}
    with torch.inference_mode():
        logits = trainer.run.model(**inputs).logits.double().numpy()
    counts = np.bincount(random_rows().labels)
    expected = losses(CHANCES[batch].astype(np.float64), logits, counts)[spelling]
    assert found == pytest.approx((WEIGHTS[batch] * expected).sum() / WEIGHTS[batch].sum(), 1e-5)


# Accumulation, stacking, resuming


@pytest.mark.parametrize(
    "spelling", ["", "focal,label-smoothing", "r-drop,weighted-ce", "fgm(at='inputs'),gce"]
)
def test_micro_batches_add_up_to_the_batch(spelling):
    whole = trainer_on(spelling, weights=WEIGHTS, targets=CHANCES)
    parts = trainer_on(spelling, weights=WEIGHTS, targets=CHANCES, grad_accum=5)
    batch = np.argsort(WEIGHTS)[2:14]  # one micro-batch weighs nothing at all
    assert not WEIGHTS[batch[:3]].any()
    assert largest_difference(gradients(whole, batch), gradients(parts, batch)) < 1e-6


def test_the_order_of_plugins_does_not_matter():
    found = [
        gradients(trainer_on(spelling, weights=WEIGHTS, targets=CHANCES, dropout=0.1))
        for spelling in ("label-smoothing,r-drop,fgm", "fgm,r-drop,label-smoothing")
    ]
    assert equal(*found)


def test_a_saved_state_continues_bit_for_bit(tmp_path):
    spelling = "label-smoothing,r-drop,ema"
    options = {"weights": WEIGHTS, "targets": CHANCES, "dropout": 0.1}
    whole = trainer_on(spelling, **options)
    whole.fit()
    first = trainer_on(spelling, folder=tmp_path / "best", **options)

    def save():
        checkpoint.save(tmp_path / "last.safetensors", state.state_dict(first))
        first.stop_signal = 15

    with pytest.raises(InterruptedRun, match="stopped at step 2"):
        first.fit(save)
    second = trainer_on(spelling, folder=tmp_path / "best", **options)
    state.load_state_dict(second, checkpoint.load(tmp_path / "last.safetensors"))
    second.fit()
    assert equal(weights_of(whole.run.model), weights_of(second.run.model))


# Batches that weigh nothing


@pytest.mark.parametrize(
    "spelling", ["", "fgm", "pgd(at='inputs')", "r-drop,focal", "amp(dtype='fp16')"]
)
@pytest.mark.parametrize("parts", [1, 3])
def test_a_batch_of_weight_0_is_a_step_of_zero_gradient(spelling, parts):
    weights = np.ones(24, np.float32)
    weights[:8] = 0
    trainer = trainer_on(spelling, weights=weights, grad_accum=parts, weight_decay=0.0)
    before = weights_of(trainer.run.model)
    trainer.optimizer_step(np.arange(8))
    assert all(not parameter.grad.any() for parameter in trainer.run.model.parameters())
    assert trainer.run.step == int(trainer.run.real_steps) == 1
    assert equal(before, weights_of(trainer.run.model))
    assert trainer.meter.read()[:2] == (0.0, 0.0)


def test_a_run_with_such_batches_ends_well():
    weights = np.zeros(24, np.float32)
    weights[[3, 7]] = 1
    trainer = trainer_on("fgm", weights=weights, batch_size=4)
    records = []
    trainer.on_record = records.append
    trainer.fit()
    assert all(np.isfinite(record["loss"]) for record in records)
    assert all(bool(value.isfinite().all()) for value in weights_of(trainer.run.model).values())


def test_rows_that_all_weigh_0_are_refused():
    with pytest.raises(DataError) as caught:
        small_trainer(weights=np.zeros(24))
    assert str(caught.value) == "all training rows weigh 0; expected some above 0"


# From a file to the loop


def test_what_a_table_says_reaches_the_loop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = (write_table(tmp_path / "plain.csv", 40)).read_text("utf-8").splitlines()
    soft = [f"{lines[0]},w,p_wrong,p_correct"]
    for number, line in enumerate(lines[1:]):
        soft.append(f"{line},{number % 4},{number / 40},{1 - number / 40}")
    (tmp_path / "soft.csv").write_text("\n".join(soft) + "\n", "utf-8")
    config = TrainConfig(
        train=["soft.csv"], soft_targets=True, weight_column="w", model="tiny", device="cpu"
    )
    data = load_training(config)
    job = prepare(config, {}, [], data=data)
    assert np.array_equal(job.trainer.feed.weights, data.train.weights)
    assert np.array_equal(job.trainer.feed.examples.targets, data.train.targets)
    assert (job.trainer.valid.weights, job.trainer.valid.targets) == (None, None)
    assert [line % 4 for line in (np.array(data.train.lines) - 2)] == data.train.weights.tolist()
    assert job.trainer.run.class_counts == np.bincount(data.train.labels).tolist()


def test_one_hot_columns_train_what_the_labels_train(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = (write_table(tmp_path / "hard.csv", 60)).read_text("utf-8").splitlines()
    soft = [f"{lines[0].removesuffix(',label')},p_correct,p_wrong"]
    for line in lines[1:]:
        text, label = line.rsplit(",", 1)
        soft.append(f"{text},{int(label == 'correct')},{int(label == 'wrong')}")
    (tmp_path / "soft.csv").write_text("\n".join(soft) + "\n", "utf-8")
    options = {"model": "tiny", "device": "cpu", "epochs": 1, "plugins": "r-drop"}
    hard = train(train="hard.csv", out="hard", **options)
    same = train(train="soft.csv", soft_targets=True, out="soft", **options)
    rows = [result.results["validation"]["data"]["sha256"] for result in (hard, same)]
    assert rows[0] == rows[1]
    assert hard.results["validation"]["log_loss"] == same.results["validation"]["log_loss"]
    one, other = (tmp_path / name / "model.safetensors" for name in ("hard", "soft"))
    assert one.read_bytes() == other.read_bytes()
    assert hard.run["data"]["train"]["sha256"] != same.run["data"]["train"]["sha256"]
    assert same.run["options"]["soft_targets"] == {"value": True, "from": "Python"}
    card = (tmp_path / "soft" / "README.md").read_text("utf-8")
    assert "54 training rows (sha256" in card
    assert "learnt from class probabilities" in card
    assert "class probabilities" not in (tmp_path / "hard" / "README.md").read_text("utf-8")
