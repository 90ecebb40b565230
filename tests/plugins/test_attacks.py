"""fgm and pgd against textbook loops, accumulated, scaled, overflowing and interrupted."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from steps import (
    equal,
    gradients,
    largest_difference,
    random_rows,
    small_model,
    small_trainer,
    weights_of,
)

LOSSES = ["", "focal", "focal(alpha=[1,2,3])", "weighted-ce", "weighted-ce(weights='sqrt')"]
ROWS = np.array([3, 7, 11, 15, 2, 6, 10, 14])


def batch(rows=ROWS):
    examples = random_rows()
    inputs = {k: torch.from_numpy(v) for k, v in examples.tokens.padded(rows).items()}
    return inputs, torch.from_numpy(examples.labels[rows])


def textbook(steps, alpha, epsilon):
    """FGM and PGD on the table as competition code writes them, with plain torch."""
    model = small_model().train()
    inputs, labels = batch()
    table = model.get_input_embeddings().weight
    cross_entropy(model(**inputs).logits, labels).backward()
    clean = table.detach().clone()
    kept = {name: p.grad.clone() for name, p in model.named_parameters()}
    for _ in range(steps):
        gradient = table.grad
        with torch.no_grad():
            table.add_(alpha * gradient / gradient.norm())
            moved = table - clean
            if moved.norm() > epsilon:
                table.copy_(clean + epsilon * moved / moved.norm())
        model.zero_grad()
        cross_entropy(model(**inputs).logits, labels).backward()
    return {name: kept[name] + p.grad for name, p in model.named_parameters()}


def test_fgm_at_the_table_is_the_textbook_loop():
    found = gradients(small_trainer("fgm(epsilon=0.7)"), ROWS)
    assert largest_difference(found, textbook(1, 0.7, 0.7)) < 1e-6


def test_pgd_at_the_table_is_the_textbook_loop():
    found = gradients(small_trainer("pgd(steps=3,alpha=0.5,epsilon=0.9)"), ROWS)
    assert largest_difference(found, textbook(3, 0.5, 0.9)) < 1e-6


def test_fgm_at_inputs_gives_every_row_its_own_norm():
    model = small_model().train()
    inputs, labels = batch()
    embed = model.get_input_embeddings()

    def loss(vectors):
        more = {key: value for key, value in inputs.items() if key != "input_ids"}
        return cross_entropy(model(inputs_embeds=vectors, **more).logits, labels)

    vectors = embed(inputs["input_ids"])
    vectors.retain_grad()
    loss(vectors).backward()
    norms = vectors.grad.flatten(1).norm(dim=1)[:, None, None]
    push = 0.7 * vectors.grad / norms
    loss(embed(inputs["input_ids"]) + push).backward()
    expected = {name: p.grad for name, p in model.named_parameters()}
    found = gradients(small_trainer("fgm(epsilon=0.7,at='inputs')"), ROWS)
    assert largest_difference(found, expected) < 1e-6


EXACT = [*LOSSES, "fgm(at='inputs')", "pgd(at='inputs')", "focal,fgm(at='inputs')"]


@pytest.mark.parametrize("spelling", EXACT)
def test_four_micro_batches_equal_one_batch(spelling):
    whole = gradients(small_trainer(spelling), ROWS)
    parts = gradients(small_trainer(spelling, grad_accum=4), ROWS)
    assert largest_difference(whole, parts) < 1e-6


@pytest.mark.parametrize("spelling", LOSSES)
def test_uneven_micro_batches_and_sample_weights_divide_exactly(spelling):
    weights = np.linspace(0, 2, 24).astype(np.float32)
    rows = np.arange(7)
    whole = gradients(small_trainer(spelling, weights=weights), rows)
    parts = gradients(small_trainer(spelling, weights=weights, grad_accum=3), rows)
    assert largest_difference(whole, parts) < 1e-6


@pytest.mark.parametrize("spelling", ["fgm", "pgd", "focal,fgm"])
def test_table_attacks_equal_the_mean_of_micro_batches_alone(spelling):
    found = gradients(small_trainer(spelling, grad_accum=2), ROWS[:7])
    first, second = (
        gradients(small_trainer(spelling), ROWS[:4]),
        gradients(small_trainer(spelling), ROWS[4:7]),
    )
    expected = {name: (4 * first[name] + 3 * second[name]) / 7 for name in first}
    assert largest_difference(found, expected) < 1e-6


SCALED = "amp(dtype='fp16',init_scale=1024)"


@pytest.mark.parametrize("attack", ["fgm", "pgd", "fgm(at='inputs')"])
def test_the_scaler_changes_no_attack(attack):
    plain = gradients(small_trainer(attack), ROWS)
    trainer = small_trainer(f"{attack},{SCALED}")
    # float32 arithmetic under a real scaler: what is compared is the scaling alone.
    trainer.run.precision.autocast = contextlib.nullcontext
    assert largest_difference(gradients(trainer, ROWS), plain) < 1e-6


def test_an_overflow_moves_nothing():
    trainer = small_trainer("fgm,ema,amp(dtype='fp16',init_scale=1e30)", eval_every=100.0)
    before = weights_of(trainer.run.model)
    trainer.hooks.call.train_start(run=trainer.run)
    scale = trainer.run.precision.state()["scale"]
    trainer.optimizer_step(trainer.feed.batch(0))
    assert int(trainer.run.real_steps) == 0
    assert equal(before, weights_of(trainer.run.model))
    ema = next(p for p in trainer.hooks.plugins if p.name == "ema")
    assert equal(ema.average, {name: before[name] for name in ema.average})
    assert trainer.run.precision.state()["scale"] == pytest.approx(scale / 2)
    assert ema.counts() == {"updates": 0}


def test_a_skipped_step_does_not_move_the_schedule():
    trainer = small_trainer("amp(dtype='fp16',init_scale=1e10)", warmup_steps=4)
    rates, expected = [], []
    for step in range(80):
        expected.append(trainer.base_rates[0] * trainer.factors[int(trainer.run.real_steps)])
        trainer.optimizer_step(trainer.feed.batch(step % 3))
        rates.append(trainer.run.optimizer.param_groups[0]["lr"])
        if int(trainer.run.real_steps) == 2:
            break
    assert rates == expected
    assert len(rates) > 10
    assert len(set(rates)) == 2


@pytest.mark.parametrize("attack", ["fgm", "pgd", "fgm(at='inputs')", "pgd(at='inputs')"])
def test_everything_is_put_back_when_a_pass_fails(attack):
    trainer = small_trainer(attack)
    before = weights_of(trainer.run.model)
    forward, passes = trainer.run.model_forward, []

    def fails_later(inputs):
        passes.append(1)
        if len(passes) == 2:
            raise RuntimeError("boom")
        return forward(inputs)

    trainer.run.model_forward = fails_later
    with pytest.raises(RuntimeError, match="boom"):
        trainer.backward(ROWS)
    assert equal(before, weights_of(trainer.run.model))
    assert not trainer.run.embedding_module._forward_hooks


@pytest.mark.parametrize("attack", ["fgm", "pgd"])
def test_without_a_gradient_there_is_no_push(attack):
    trainer = small_trainer(attack)
    torch.nn.init.zeros_(trainer.run.model.classifier.weight)  # no gradient reaches the table
    found = gradients(trainer, ROWS)
    plain = small_trainer()
    torch.nn.init.zeros_(plain.run.model.classifier.weight)
    clean = gradients(plain, ROWS)
    assert largest_difference(found, {name: 2 * value for name, value in clean.items()}) < 1e-7
    (plugin,) = trainer.hooks.plugins
    assert plugin.counts() == {"attacks": 0, "attacks without effect": 1}


def test_a_frozen_table_is_refused_in_words():
    trainer = small_trainer("fgm")
    trainer.run.embedding.requires_grad_(False)
    with pytest.raises(Exception, match="the word embeddings got no gradient"):
        trainer.backward(ROWS)


def test_a_frozen_table_can_still_be_attacked_at_the_inputs():
    trainer = small_trainer("fgm(at='inputs')")
    trainer.run.embedding.requires_grad_(False)
    trainer.backward(ROWS)
    (plugin,) = trainer.hooks.plugins
    assert plugin.counts()["attacks"] == 1


@pytest.mark.parametrize("attack", ["fgm", "pgd"])
def test_a_norm_over_micro_batches_is_told(attack, caplog):
    caplog.set_level("INFO", "titlekit")
    small_trainer(attack, grad_accum=4, epochs=0.3).fit()
    assert f"{attack} acts on each of the 4 micro-batches by itself" in caplog.text
    caplog.clear()
    small_trainer(f"{attack}(at='inputs')", grad_accum=4, epochs=0.3).fit()
    small_trainer(attack, epochs=0.3).fit()
    assert "micro-batches by itself" not in caplog.text
