"""What only a CUDA device can show; deselected by default: run with -m gpu."""

from __future__ import annotations

import pickle

import pytest
import torch

from steps import equal, gradients, largest_difference, small_trainer, weights_of
from titlekit import TitleClassifier
from titlekit.core.errors import InterruptedRun
from titlekit.core.training import checkpoint, state

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]

SETS = ["", "fgm", "pgd", "fgm(at='inputs')", "focal,fgm,llrd,ema,early-stopping(patience=99)"]


@pytest.mark.parametrize("spelling", SETS)
def test_gradients_on_the_gpu_are_those_of_the_cpu(spelling):
    here = gradients(small_trainer(spelling, device="cpu"))
    there = gradients(small_trainer(spelling, device="cuda"))
    assert largest_difference(here, {name: value.cpu() for name, value in there.items()}) < 1e-4


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
@pytest.mark.parametrize("spelling", SETS)
def test_every_set_trains_in_mixed_precision(spelling, dtype):
    both = ",".join(filter(None, [spelling, f"amp(dtype='{dtype}')"]))
    trainer = small_trainer(both, device="cuda", dropout=0.1, epochs=20.0)
    run = trainer.fit()
    assert int(run.real_steps) > 40
    assert all(bool(value.isfinite().all()) for value in weights_of(run.model).values())
    assert run.best > 0.5  # three classes that show in the tokens: chance is a third


def test_an_overflow_moves_nothing_on_the_gpu():
    trainer = small_trainer("fgm,ema,amp(dtype='fp16',init_scale=1e30)", device="cuda")
    trainer.hooks.call.train_start(run=trainer.run)
    before = weights_of(trainer.run.model)
    trainer.optimizer_step(trainer.feed.batch(0))
    assert int(trainer.run.real_steps) == 0
    assert equal(before, weights_of(trainer.run.model))


def test_a_saved_state_continues_on_the_gpu(tmp_path):
    options = {"device": "cuda", "dropout": 0.1, "epochs": 3.0}
    spelling = "fgm,ema,amp(dtype='fp16')"
    whole = small_trainer(spelling, **options)
    whole.fit()
    first = small_trainer(spelling, folder=tmp_path / "b", **options)
    step = first.optimizer_step

    def stops(rows):
        step(rows)
        if first.run.step == 4:
            first.stop_signal = 15

    first.optimizer_step = stops
    with pytest.raises(InterruptedRun):
        first.fit(lambda: checkpoint.save(tmp_path / "s", state.state_dict(first)))
    second = small_trainer(spelling, folder=tmp_path / "b", **options)
    state.load_state_dict(second, checkpoint.load(tmp_path / "s"))
    second.fit()
    # Sums on a GPU may differ in their last bits from run to run.
    assert largest_difference(weights_of(whole.run.model), weights_of(second.run.model)) < 1e-3


def test_an_estimator_that_was_fitted_on_the_gpu_answers_on_the_cpu():
    texts, labels = ["A Theory of Titles", "Pages 1-2"] * 16, [1, 0] * 16
    before = torch.cuda.get_rng_state()
    fitted = TitleClassifier("tiny", "fgm,amp", epochs=2, random_state=0, device="cuda")
    there = fitted.fit(texts, labels).predict_proba(texts)
    assert torch.equal(torch.cuda.get_rng_state(), before)
    here = pickle.loads(pickle.dumps(fitted)).set_params(device="cpu").predict_proba(texts)
    assert abs(here - there).max() < 1e-3
