"""Each plugin at its null setting is plain training, and none depends on the listing order."""

from __future__ import annotations

import itertools

import pytest
import torch

from steps import equal, gradients, largest_difference, plugins, small_trainer, weights_of
from titlekit.core.hooks.assembly import HOOKS, Hooks

# Plugins whose null setting leaves every gradient and every step as it was, bit for bit.
NULL = [
    "cross-entropy",
    "focal(gamma=0)",
    "weighted-ce(weights='a=1,b=1,c=1')",
    "llrd(decay=1,head_multiplier=1)",
    "early-stopping(patience=1000)",
    "ema(decay=0)",
    "freeze(layers=0,embeddings=False)",
    "label-smoothing(epsilon=0)",
    "class-balanced(beta=0)",
    "awp(start=1)",
    "swa(start=1)",
    "character-noise(rate=0)",
    "character-noise(share=0)",
    "back-translation(share=0)",
]


@pytest.mark.parametrize("spelling", NULL)
def test_null_settings_are_plain_training(spelling):
    plain, other = small_trainer(dropout=0.1), small_trainer(spelling, dropout=0.1)
    plain.fit()
    other.fit()
    assert equal(weights_of(plain.run.model), weights_of(other.run.model))
    assert plain.run.metrics == other.run.metrics


def test_no_word_embedding_moves_with_epsilon_zero():
    plain, fgm = gradients(small_trainer()), gradients(small_trainer("fgm(epsilon=0)"))
    assert equal({name: 2 * value for name, value in plain.items()}, fgm)


def test_no_weight_moves_with_rho_zero():
    plain, awp = gradients(small_trainer()), gradients(small_trainer("awp(rho=0)"))
    assert equal({name: 2 * value for name, value in plain.items()}, awp)


@pytest.mark.parametrize("place", ["table", "inputs"])
def test_pgd_with_one_step_is_fgm(place):
    pgd = gradients(small_trainer(f"pgd(steps=1,alpha=0.7,epsilon=0.7,at='{place}')", dropout=0.1))
    fgm = gradients(small_trainer(f"fgm(epsilon=0.7,at='{place}')", dropout=0.1))
    assert equal(pgd, fgm)


def test_fgm_every_second_step_is_plain_in_between():
    trainer = small_trainer("fgm(every=2)")
    assert not equal(gradients(trainer), gradients(small_trainer()))
    trainer.run.step = 1
    assert equal(gradients(trainer), gradients(small_trainer()))


FAVOURITES = "focal,fgm,llrd,amp(dtype='bf16'),ema,early-stopping"


def test_call_order_is_the_same_for_every_listing_order():
    made = plugins(FAVOURITES.removesuffix(",early-stopping"))
    expected = Hooks(made)
    for order in itertools.permutations(made):
        hooks = Hooks(order)
        assert all(hooks.order(name) == expected.order(name) for name in HOOKS)


def test_gradients_are_the_same_for_every_listing_order():
    names = ["focal", "fgm", "amp(dtype='bf16')", "ema"]
    expected = gradients(small_trainer(",".join(names), dropout=0.1))
    for order in itertools.permutations(names):
        assert equal(gradients(small_trainer(",".join(order), dropout=0.1)), expected)


def test_order_of_listing_never_matters_in_a_run():
    one = small_trainer(FAVOURITES, dropout=0.1)
    other = small_trainer(made=plugins(FAVOURITES)[::-1], dropout=0.1)
    one.fit()
    other.fit()
    assert equal(weights_of(one.run.model), weights_of(other.run.model))


def test_averaged_weights_are_the_best_and_the_raw_ones_train_on():
    trainer = small_trainer("ema(decay=0.5)")
    plain = small_trainer()
    seen = []
    trainer.on_record = lambda record: seen.append(weights_of(trainer.run.model))
    raw = []
    plain.on_record = lambda record: raw.append(weights_of(plain.run.model))
    trainer.fit()
    plain.fit()
    # Outside an evaluation the model holds the raw weights, which no average has touched.
    assert all(equal(one, other) for one, other in zip(seen, raw, strict=True))
    assert largest_difference(weights_of(trainer.run.model), raw[-1]) > 0


def test_ema_is_the_textbook_average():
    trainer = small_trainer("ema(decay=0.9)")
    average = weights_of(trainer.run.model)
    rows = [trainer.feed.batch(step) for step in range(4)]
    trainer.hooks.call.train_start(run=trainer.run)
    for real, batch in enumerate(rows, 1):
        trainer.optimizer_step(batch)
        decay = min(0.9, (1 + real) / (10 + real))
        for name, parameter in trainer.run.model.named_parameters():
            average[name] = decay * average[name] + (1 - decay) * parameter.detach()
    (ema,) = trainer.hooks.plugins
    assert largest_difference(ema.average, {n: average[n] for n in ema.average}) < 1e-7


def test_ema_puts_the_weights_back_when_an_evaluation_fails():
    trainer = small_trainer("ema")
    trainer.hooks.call.train_start(run=trainer.run)
    trainer.optimizer_step(trainer.feed.batch(0))
    before = weights_of(trainer.run.model)

    def fail():
        raise RuntimeError("boom")

    trainer.run.evaluate_here = fail
    with pytest.raises(RuntimeError, match="boom"):
        trainer.hooks.call.evaluate(run=trainer.run)
    assert equal(before, weights_of(trainer.run.model))


def test_early_stopping_reads_the_bar_of_the_trainer():
    trainer = small_trainer("early-stopping(patience=2)", epochs=30.0, lr=1e-9)
    run = trainer.fit()
    assert run.evaluations_since_best == 2
    assert run.stop_reasons == [f"macro_f1 not better than {run.best:.4f} for 2 evaluations"]
    assert run.step < run.total_steps


def test_min_delta_is_the_same_bar_for_best_and_patience():
    trainer = small_trainer("early-stopping(patience=2)", epochs=30.0, min_delta=2.0)
    run = trainer.fit()
    assert run.best_step == 2  # the first evaluation; no later one can gain 2 points of F1
    assert run.evaluations_since_best == 2


def test_llrd_gives_each_layer_its_rate():
    trainer = small_trainer("llrd(decay=0.5,head_multiplier=3)", lr=1.0)
    rates = {group["name"]: group["lr"] for group in trainer.run.optimizer.param_groups}
    assert rates["embeddings"] == 0.25
    assert rates["layer 1"] == 0.5
    assert rates["layer 2 (no decay)"] == 1.0
    assert rates["head"] == 3.0
    banded = small_trainer("llrd(rates='1e-5:2e-5:3e-5')")
    rates = {group["name"]: group["lr"] for group in banded.run.optimizer.param_groups}
    assert (rates["embeddings"], rates["layer 1"]) == (1e-5, 1e-5)
    assert (rates["layer 2"], rates["head"]) == (2e-5, 3e-5)
    assert torch.is_tensor(next(iter(banded.run.model.parameters())))
