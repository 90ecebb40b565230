"""Batches without padding give what padded ones give, on models that are left as they were."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from steps import (
    equal,
    gradients,
    largest_difference,
    plugins,
    random_rows,
    small_model,
    small_trainer,
    weights_of,
)
from titlekit import Plugin
from titlekit.core.attention import attend
from titlekit.core.data.tokens import similar_lengths
from titlekit.core.inference.scoring import score
from titlekit.core.unpadded import PADDED, layout_of, refuse, tensors

ROWS = np.array([3, 7, 11, 15, 2, 6, 10, 14])


def both(spelling: str, **options):
    """Two trainers that differ in their layout alone."""
    made = small_trainer(spelling, **options), small_trainer(spelling, **options)
    assert made[0].feed.layout.unpadded
    made[1].feed.layout = PADDED
    return made


@pytest.mark.parametrize(
    "spelling",
    ["", "fgm", "fgm(at='inputs')", "pgd", "pgd(at='inputs')", "r-drop", "r-drop,fgm(at='inputs')",
     "awp", "checkpointing", "freeze(layers=1)", "focal,label-smoothing"],
)  # fmt: skip
@pytest.mark.parametrize("parts", [1, 3])
def test_gradients_are_those_of_padded_batches(spelling, parts):
    weights = np.linspace(0, 2, 24).astype(np.float32)
    found, expected = (
        gradients(trainer, ROWS) for trainer in both(spelling, weights=weights, grad_accum=parts)
    )
    assert largest_difference(found, expected) < 1e-6


def test_a_hundred_steps_have_the_losses_of_the_plain_path(monkeypatch):
    """Dropout off, the same batches: the plain path is the one of padded rows and sdpa."""
    seen = []
    for trainer in both("", rows=200, epochs=4.0, eval_every=10.0):
        assert trainer.run.total_steps == 100
        monkeypatch.setattr(
            "titlekit.core.training.feed.similar_batches",
            lambda order, lengths, size, rng: [order[n : n + size] for n in range(0, 200, size)],
        )
        backward, losses = trainer.backward, []
        trainer.backward = lambda rows, run=backward, to=losses: to.append(run(rows)) or to[-1]
        trainer.fit()
        seen.append(torch.stack(losses[1:]))  # the first was the rehearsal's
    assert len(seen[0]) == 100
    assert float((seen[0] - seen[1]).abs().max()) < 1e-5
    assert float(seen[0][:5].mean() - seen[0][-5:].mean()) > 0.1  # something was learnt


def test_the_logits_of_a_row_do_not_depend_on_its_neighbours():
    model, tokens = small_model().eval(), random_rows(64).tokens
    layout = layout_of(model, 31, 0)

    def logits(rows):
        with torch.inference_mode():
            given = layout.inputs(tokens, layout.arrange(tokens, np.array(rows)))
            return model(**tensors(given, torch.device("cpu"))).logits

    def all_of(rows):
        order = layout.arrange(tokens, np.array(rows))
        return dict(zip(order.tolist(), logits(rows), strict=True))

    one, other = all_of(range(32)), all_of([0, *range(32, 63)])
    assert float((one[0] - other[0]).abs().max()) < 1e-6
    for row in range(32):
        assert float((logits([row])[0] - one[row]).abs().max()) < 1e-6
    scored = score(lambda inputs: model(**inputs).logits, tokens, torch.device("cpu"), layout)
    padded = score(lambda inputs: model(**inputs).logits, tokens, torch.device("cpu"))
    assert np.abs(scored - padded).max() < 1e-6
    assert np.abs(scored[:32] - torch.stack([one[n] for n in range(32)]).numpy()).max() < 1e-6


def test_padded_inputs_give_what_they_gave_before_during_and_after():
    model, tokens = small_model().eval(), random_rows().tokens
    before, hooks = weights_of(model), dict(model.bert.encoder._forward_hooks)

    def logits(model):
        with torch.inference_mode():
            given = tensors(tokens.padded(ROWS), torch.device("cpu"))
            return model(**given).logits

    plain = logits(model)
    layout = layout_of(model, 31, 0)
    assert layout.unpadded
    assert torch.equal(logits(model), plain)
    twin = copy.deepcopy(model)
    assert layout_of(model, 31, 0) == layout  # asked again
    refuse(model)
    assert torch.equal(logits(model), plain)
    assert dict(model.bert.encoder._forward_hooks) == hooks
    assert model.config._attn_implementation == "sdpa"
    assert "forward" not in vars(model.bert.encoder.layer[-1])
    assert equal(weights_of(model), before)
    # A copy has layers of its own: it does not compute with the first one's weights.
    for parameter in model.parameters():
        parameter.data.zero_()
    given = tensors(layout.inputs(tokens, layout.arrange(tokens, ROWS)), torch.device("cpu"))
    with torch.inference_mode():
        found = dict(zip(layout.arrange(tokens, ROWS).tolist(), twin(**given).logits, strict=True))
    for row, expected in zip(ROWS.tolist(), plain, strict=True):
        assert float((found[row] - expected).abs().max()) < 1e-6


def test_a_model_whose_logits_would_differ_is_padded_and_left_as_it_was(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "titlekit")
    monkeypatch.setattr(
        "titlekit.core.unpadded.first_position", lambda model: 1
    )  # it counts from 0
    trainer = small_trainer()
    assert trainer.feed.layout == PADDED
    assert trainer.run.model.config._attn_implementation == "sdpa"
    told = "batches are padded, as this encoder needs it; rows of similar length go together"
    assert told in [record.getMessage() for record in caplog.records]


@dataclass(eq=False)
class Careful(Plugin):
    """Reads the tokens side by side."""


def test_a_plugin_may_need_padded_batches(caplog):
    caplog.set_level(logging.INFO, "titlekit")
    trainer = small_trainer(made=[*plugins("focal"), Careful()])
    assert trainer.feed.layout == PADDED
    assert "batches are padded, as careful needs it" in [r.getMessage() for r in caplog.records]
    widths = [trainer.feed.tokens.lengths[rows] for rows in trainer.feed.batches or [ROWS]]
    assert all(width.max() - width.min() <= 5 for width in widths)


def test_after_a_run_the_model_is_a_plain_one():
    trainer = small_trainer()
    trainer.fit()
    assert trainer.run.model.config._attn_implementation == "sdpa"
    assert trainer.run.model.bert.encoder._forward_hooks == {}


def test_attention_with_dropout_is_the_formula():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, 5, 4).unbind(0)
    mask = torch.zeros(2, 1, 1, 5)
    mask[1, ..., 3:] = -torch.inf
    torch.manual_seed(1)
    found = attend(q, k, v, mask, 0.5, 0.3)
    torch.manual_seed(1)
    chances = (0.3 * q @ k.transpose(-1, -2) + mask).softmax(-1)
    assert torch.equal(chances[1, ..., 3:], torch.zeros(2, 5, 2))
    kept = torch.nn.functional.dropout(chances, 0.5)
    assert torch.allclose(found, kept @ v, atol=1e-6)
    assert not torch.allclose(found, attend(q, k, v, mask, 0.0, 0.3), atol=1e-2)


@given(st.lists(st.integers(1, 600), min_size=1, max_size=60))
def test_rows_of_about_one_length_go_together(lengths):
    lengths = np.sort(np.array(lengths))
    groups = similar_lengths(lengths)
    assert groups[:, 0].sum() == len(lengths)
    assert (groups > 0).all()
    assert (np.diff(groups[:, 1]) > 0).all()
    assert groups[-1, 1] == lengths.max()
    widths = np.repeat(groups[:, 1], groups[:, 0])
    assert (widths >= lengths).all()
    # At most a quarter of a long row is padding, beside what is cheaper than one more group.
    cells, needed = (widths**2).sum(), (np.maximum(lengths + 8, lengths * 1.25 + 1) ** 2).sum()
    assert cells <= needed + 1200 * len(lengths)
    assert similar_lengths(np.array([4, 5, 9, 9, 10, 40])).tolist() == [[5, 10], [1, 40]]
    assert similar_lengths(np.full(200, 14)).tolist() == [[200, 14]]
