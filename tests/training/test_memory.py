"""A batch that does not fit is cut into smaller parts where that is exact; else it is said."""

from __future__ import annotations

import logging

import pytest
import torch

from steps import equal, first_ids, largest_difference, small_trainer, weights_of
from titlekit import Plugin, RunError, hookimpl
from titlekit.core.training import state
from titlekit.core.training.checkpoint import pack, unpack


def limited(spelling="", most=4, **options):
    """A trainer whose device has no memory for more than `most` rows in one pass."""
    trainer = small_trainer(spelling, **options)
    whole = trainer.run.model_forward

    def forward(inputs):
        if torch.is_grad_enabled() and len(first_ids(inputs)) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(inputs)

    trainer.run.model_forward = forward
    return trainer


def test_micro_batches_are_halved_until_they_fit(caplog):
    trainer = limited("focal,fgm(at='inputs'),ema(decay=0.5)", most=3)
    trainer.fit()
    plain = small_trainer("focal,fgm(at='inputs'),ema(decay=0.5)", grad_accum=4)
    plain.fit()
    # The first step was rehearsed: so the run is the one of --grad-accum 4, to the last bit.
    assert trainer.run.micro_batches == 4
    assert equal(weights_of(trainer.run.model), weights_of(plain.run.model))
    assert trainer.run.forwards == plain.run.forwards
    for one, other in zip(trainer.hooks.plugins, plain.hooks.plugins, strict=True):
        assert one.counts() == other.counts()
    told = [r.getMessage() for r in caplog.records if "memory" in r.getMessage()]
    assert told == [
        f"memory ran out; each batch is cut into {parts} micro-batches from here on, with the "
        f"same gradients (--grad-accum {parts} does so from the start)"
        for parts in (2, 4)
    ]


def test_a_step_in_the_middle_of_a_run_is_begun_again_and_counted_once():
    trainer, plain = limited("fgm(at='inputs')", most=5), small_trainer("fgm(at='inputs')")
    for one in (trainer, plain):
        one.optimizer_step(one.feed.batch(0))
    assert trainer.run.micro_batches == 2
    assert trainer.run.forwards == 4  # two parts, two passes each
    assert trainer.hooks.plugins[0].counts() == {"attacks": 2, "attacks without effect": 0}
    difference = largest_difference(weights_of(trainer.run.model), weights_of(plain.run.model))
    assert difference < 1e-6


def test_a_pass_that_fails_later_leaves_nothing_of_itself():
    """The second micro-batch runs out of memory: the first one's gradients count once."""
    trainer = small_trainer(grad_accum=2)
    whole, seen = trainer.run.model_forward, []

    def forward(inputs):
        seen.append(len(first_ids(inputs)))
        if seen == [4, 4]:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
        return whole(inputs)

    trainer.run.model_forward = forward
    trainer.optimizer_step(trainer.feed.batch(0))
    plain = small_trainer(grad_accum=4)
    plain.optimizer_step(plain.feed.batch(0))
    assert seen == [4, 4, 2, 2, 2, 2]
    assert equal(weights_of(trainer.run.model), weights_of(plain.run.model))


def test_the_smaller_parts_survive_a_restart():
    trainer = limited()
    trainer.optimizer_step(trainer.feed.batch(0))
    tensors: dict[str, torch.Tensor] = {}
    saved = pack(state.state_dict(trainer), tensors)
    second = small_trainer()
    state.load_state_dict(second, unpack(saved, tensors))
    assert second.run.micro_batches == 2


def test_what_does_not_add_up_is_left_to_the_person():
    with pytest.raises(RunError) as error:
        limited("fgm,amp(dtype='bf16')").fit()
    assert str(error.value) == (
        "memory ran out on 8 rows of at most 9 tokens in one pass; try --grad-accum 2 (fgm then "
        "acts on each part), a smaller --max-length, a smaller --batch-size, "
        "--plugins checkpointing, or a smaller --model"
    )


def test_a_single_row_that_does_not_fit_is_told(caplog):
    with pytest.raises(RunError) as error:
        limited(most=0).fit()
    assert str(error.value) == (
        "memory ran out on 1 row of at most 9 tokens in one pass; try a smaller --max-length, "
        "a smaller --batch-size, --plugins checkpointing, --plugins amp, or a smaller --model"
    )
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 3  # 2, 4, 8 parts


def test_memory_that_runs_out_between_the_passes_is_told():
    class Full(Plugin):
        """No memory for the evaluation."""

        @hookimpl(wrapper=True)
        def evaluate(self):
            yield
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(RunError) as error:
        small_trainer(made=[Full()]).fit()
    assert str(error.value) == (
        "memory ran out between the passes, where the weights, their gradients and the "
        "optimizer's moments count and the batch does not; try --plugins lora, --plugins freeze, "
        "or a smaller --model"
    )


def test_other_errors_pass_through():
    trainer = small_trainer()

    def forward(inputs):
        raise RuntimeError("a fault of ours")

    trainer.run.model_forward = forward
    with pytest.raises(RuntimeError, match="a fault of ours"):
        trainer.fit()
