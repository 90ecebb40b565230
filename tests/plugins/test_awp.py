"""awp against a textbook loop, accumulated, scaled, without a gradient and interrupted."""

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
from titlekit import UsageError
from titlekit.core.training.watch import idle

ROWS = np.array([3, 7, 11, 15, 2, 6, 10, 14])


def textbook(rho):
    """AWP as competition code writes it, with plain torch."""
    model = small_model().train()
    examples = random_rows()
    inputs = {k: torch.from_numpy(v) for k, v in examples.tokens.padded(ROWS).items()}
    labels = torch.from_numpy(examples.labels[ROWS])
    cross_entropy(model(**inputs).logits, labels).backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                gradient = parameter.grad
                parameter.add_(rho * parameter.norm() * gradient / gradient.norm())
    cross_entropy(model(**inputs).logits, labels).backward()  # adds to the clean gradient
    return {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize("rho", [0.005, 0.3])
def test_awp_is_the_textbook_loop(rho):
    trainer = small_trainer(f"awp(rho={rho})")
    before = weights_of(trainer.run.model)
    assert largest_difference(gradients(trainer, ROWS), textbook(rho)) < 1e-6
    assert equal(before, weights_of(trainer.run.model))
    assert trainer.hooks.plugins[0].counts() == {"attacks": 1, "attacks without effect": 0}


def seen_by_passes(trainer):
    """The weights that each forward pass of one batch computes with."""
    forward, seen = trainer.run.model_forward, []

    def watched(inputs):
        seen.append({n: p.detach().clone() for n, p in trainer.run.model.named_parameters()})
        return forward(inputs)

    trainer.run.model_forward = watched
    trainer.backward(ROWS)
    return seen


def test_every_trained_matrix_moves_by_its_share_and_nothing_else():
    trainer = small_trainer("awp(rho=0.02),freeze(layers=1,embeddings=False)")
    trained = {n for n, p in trainer.run.model.named_parameters() if p.requires_grad and p.ndim > 1}
    assert "bert.embeddings.word_embeddings.weight" in trained
    clean, moved = seen_by_passes(trainer)
    for name, value in clean.items():
        length = float((moved[name] - value).norm())
        share = 0.02 * float(value.norm()) if name in trained else 0.0
        assert length == pytest.approx(share, rel=1e-4), name


def test_accumulated_it_is_each_micro_batch_by_itself_added_bit_for_bit(caplog):
    trainer = small_trainer("awp(rho=0.05)", grad_accum=2)
    found = gradients(trainer, ROWS)
    first, second = (gradients(small_trainer("awp(rho=0.05)"), ROWS[k : k + 4]) for k in (0, 4))
    expected = {name: first[name] / 2 + second[name] / 2 for name in first}  # halves are exact
    matrices = {name for name, value in found.items() if value.ndim > 1}
    assert all(torch.equal(found[name], expected[name]) for name in matrices)
    assert largest_difference(found, expected) < 1e-6
    caplog.set_level("INFO", "titlekit")
    small_trainer("awp", grad_accum=2, epochs=0.3).fit()
    assert "awp acts on each of the 2 micro-batches by itself" in caplog.text


def test_the_scaler_changes_nothing():
    plain = gradients(small_trainer("awp(rho=0.05)"), ROWS)
    trainer = small_trainer("awp(rho=0.05),amp(dtype='fp16',init_scale=1024)")
    # float32 arithmetic under a real scaler: what is compared is the scaling alone.
    trainer.run.precision.autocast = contextlib.nullcontext
    assert equal(gradients(trainer, ROWS), plain)


def test_an_overflow_moves_nothing():
    trainer = small_trainer("awp,amp(dtype='fp16',init_scale=1e30)", eval_every=100.0)
    before = weights_of(trainer.run.model)
    trainer.hooks.call.train_start(run=trainer.run)
    trainer.optimizer_step(trainer.feed.batch(0))
    assert int(trainer.run.real_steps) == 0
    assert equal(before, weights_of(trainer.run.model))


@pytest.mark.parametrize("factor", [0.0, float("inf")])
def test_without_a_usable_gradient_there_is_no_move_and_still_a_second_pass(factor):
    trainer = small_trainer("awp(rho=0.5)")
    trainer.run.criterion = lambda logits, targets: logits.sum(-1) * factor
    before = weights_of(trainer.run.model)
    clean, moved = seen_by_passes(trainer)
    assert equal(clean, moved)
    assert equal(before, weights_of(trainer.run.model))
    assert trainer.hooks.plugins[0].counts() == {"attacks": 0, "attacks without effect": 1}


@pytest.mark.parametrize(("fails", "kept"), [(3, 0), (4, 1)])
def test_weights_and_gradients_are_put_back_when_a_pass_fails(fails, kept):
    """In the second of two micro-batches: in its clean pass, and in its extra pass."""
    trainer = small_trainer("awp(rho=0.05)", grad_accum=2)
    before = weights_of(trainer.run.model)
    forward, passes = trainer.run.model_forward, []

    def fails_later(inputs):
        passes.append(1)
        if len(passes) == fails:
            raise RuntimeError("boom")
        return forward(inputs)

    trainer.run.model_forward = fails_later
    with pytest.raises(RuntimeError, match="boom"):
        trainer.backward(ROWS)
    assert equal(before, weights_of(trainer.run.model))
    first = gradients(small_trainer("awp(rho=0.05)"), ROWS[:4])
    clean = gradients(small_trainer(), ROWS[4:])
    for name, parameter in trainer.run.model.named_parameters():
        if parameter.ndim > 1:
            assert torch.equal(parameter.grad, first[name] / 2 + kept * clean[name] / 2)


def test_it_begins_after_a_share_of_the_training_and_acts_in_every_kth_step():
    trainer = small_trainer("awp(start=0.5,every=2)", epochs=4.0)
    run = trainer.fit()
    (plugin,) = trainer.hooks.plugins
    assert run.total_steps == 12
    assert [plugin.phase(number) for number in range(12)] == [1] * 6 + [0, 1] * 3
    assert plugin.counts() == {"attacks": 3, "attacks without effect": 0}
    assert run.forwards == 15 == 12 * plugin.passes()
    # 0.07 of 100 steps is 7, though 0.07 * 100 is a little more in floating point.
    plugin.start, plugin.every, plugin.total = 0.07, 1, 100
    assert [plugin.phase(number) for number in range(5, 9)] == [1, 1, 0, 0]


def test_never_begun_it_is_said_to_have_done_nothing():
    trainer = small_trainer("awp(start=1)")
    trainer.fit()
    assert idle(trainer.hooks.plugins) == ["awp"]


def test_without_a_trained_matrix_it_is_refused():
    trainer = small_trainer("awp")
    for parameter in trainer.run.model.parameters():
        parameter.requires_grad_(parameter.ndim == 1)
    with pytest.raises(UsageError) as error:
        trainer.backward(ROWS)
    assert str(error.value) == (
        "awp: no matrix is trained, so there is none to move; train without awp"
    )
