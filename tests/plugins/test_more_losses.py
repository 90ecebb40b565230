"""Softer targets, further losses, a second look, and schedules: by hand and against torch."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from steps import (
    equal,
    first_ids,
    gradients,
    largest_difference,
    random_rows,
    small_model,
    small_trainer,
)
from titlekit import UsageError
from titlekit.core.hooks.defaults import cross_entropy, linear_schedule
from titlekit.core.hooks.registry import create
from titlekit.core.unpadded import PADDED
from titlekit.plugins.class_balanced import effective_number, effective_weights
from titlekit.plugins.constant import constant_schedule
from titlekit.plugins.cosine import cosine_schedule
from titlekit.plugins.gce import generalised_cross_entropy
from titlekit.plugins.label_smoothing import smooth
from titlekit.plugins.r_drop import symmetric_kl
from titlekit.plugins.weighted_ce import class_weights, mean_one, weighted_cross_entropy

ROWS = np.array([3, 7, 11, 15, 2, 6, 10, 14])
EXTREME = [[1e4, -1e4], [-1e4, 1e4], [40.0, 0.0], [0.0, 40.0], [0.3, -0.2], [0.0, 0.0]]


@pytest.fixture
def some():
    torch.manual_seed(0)
    logits, labels = torch.randn(64, 5) * 3, torch.randint(5, (64,))
    return logits, labels, F.one_hot(labels, 5).float()


def batch(rows=ROWS):
    examples = random_rows()
    inputs = {k: torch.from_numpy(v) for k, v in examples.tokens.padded(rows).items()}
    return inputs, torch.from_numpy(examples.labels[rows])


# All of them


EXACT = [
    "label-smoothing",
    "gce",
    "class-balanced",
    "label-smoothing,gce",
    "label-smoothing,focal",
    "label-smoothing,class-balanced,fgm(at='inputs')",
    "r-drop",
    "r-drop,fgm(at='inputs')",
]


def second_looks_differ(trainer):
    """Make every second forward pass see other logits, row by row: dropout without chance."""
    forward, calls = trainer.run.model_forward, itertools.count()

    def other(inputs):
        logits, features = forward(inputs)
        if next(calls) % 2:
            logits = logits * 1.5 + first_ids(inputs) / 30 * torch.tensor([1.0, 0.0, -1.0])
        return logits, features

    trainer.run.model_forward = other
    return trainer


@pytest.mark.parametrize("spelling", EXACT)
def test_four_micro_batches_equal_one_batch(spelling):
    made = [small_trainer(spelling), small_trainer(spelling, grad_accum=4)]
    if "r-drop" in spelling:
        made = [second_looks_differ(trainer) for trainer in made]
    whole, parts = (gradients(trainer, ROWS) for trainer in made)
    assert largest_difference(whole, parts) < 1e-6
    assert largest_difference(whole, gradients(small_trainer(), ROWS)) > 1e-4


@pytest.mark.parametrize("spelling", ["label-smoothing", "gce", "class-balanced", "r-drop"])
def test_uneven_micro_batches_and_sample_weights_divide_exactly(spelling):
    weights = np.linspace(0, 2, 24).astype(np.float32)
    rows = np.arange(7)
    made = [small_trainer(spelling, weights=weights, grad_accum=parts) for parts in (1, 3)]
    if spelling == "r-drop":
        made = [second_looks_differ(trainer) for trainer in made]
    whole, parts = (gradients(trainer, rows) for trainer in made)
    assert largest_difference(whole, parts) < 1e-6


@pytest.mark.parametrize("loss", ["gce", "class-balanced", "focal"])
def test_gradients_are_the_same_for_every_listing_order(loss):
    names = ["label-smoothing", loss, "r-drop", "fgm", "cosine"]
    expected = gradients(small_trainer(",".join(names), dropout=0.1))
    for order in itertools.islice(itertools.permutations(names), 0, None, 17):
        assert equal(gradients(small_trainer(",".join(order), dropout=0.1)), expected)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("label-smoothing", {"rows smoothed": 48}),
        ("label-smoothing(epsilon=0)", {"rows smoothed": 0}),
        ("gce", {"losses set": 1}),
        ("class-balanced", {"losses set": 1}),
        ("r-drop", {"rows that differed": 48}),
        ("cosine", {"schedules set": 1}),
        ("constant", {"schedules set": 1}),
    ],
)
def test_what_a_plugin_did_is_counted(name, counts):
    trainer = small_trainer(name, dropout=0.1)
    trainer.fit()  # 24 rows, 2 epochs
    (plugin,) = trainer.hooks.plugins
    assert plugin.counts() == counts


# Label smoothing


def test_smoothed_targets_by_hand():
    targets = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])
    expected = [[0.85, 0.05, 0.05, 0.05], [0.45, 0.45, 0.05, 0.05]]
    assert torch.allclose(smooth(targets, 0.2), torch.tensor(expected))
    assert torch.equal(smooth(targets, 0.0), targets)
    assert torch.allclose(smooth(targets, 1.0), torch.full((2, 4), 0.25))


def test_label_smoothing_in_training_is_that_of_torch():
    model = small_model().train()
    inputs, labels = batch()
    F.cross_entropy(model(**inputs).logits, labels, label_smoothing=0.3).backward()
    expected = {name: p.grad for name, p in model.named_parameters()}
    found = gradients(small_trainer("label-smoothing(epsilon=0.3)"), ROWS)
    assert largest_difference(found, expected) < 1e-6


def test_label_smoothing_reaches_every_loss():
    model = small_model().train()
    inputs, labels = batch()
    soft = smooth(F.one_hot(labels, 3).float(), 0.3)
    generalised_cross_entropy(model(**inputs).logits, soft, 0.5).mean().backward()
    expected = {name: p.grad for name, p in model.named_parameters()}
    found = gradients(small_trainer("label-smoothing(epsilon=0.3),gce(q=0.5)"), ROWS)
    assert largest_difference(found, expected) < 1e-6


# Generalised cross-entropy


def test_generalised_cross_entropy_by_hand():
    logits = torch.tensor([[math.log(p), math.log(1 - p)] for p in (0.9, 0.5, 0.1)]).double()
    targets = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.3, 0.7]]).double()
    by_hand = [
        (1 - 0.9**0.7) / 0.7,
        (1 - 0.5**0.7) / 0.7,
        0.3 * (1 - 0.1**0.7) / 0.7 + 0.7 * (1 - 0.9**0.7) / 0.7,
    ]
    found = generalised_cross_entropy(logits, targets, 0.7)
    assert found.tolist() == pytest.approx(by_hand, rel=1e-6)


def test_with_q_one_it_is_half_the_absolute_error(some):
    logits, _, targets = some
    error = (targets - logits.softmax(-1)).abs().sum(-1)
    assert torch.allclose(generalised_cross_entropy(logits, targets, 1.0), error / 2, atol=1e-6)


def test_with_q_towards_zero_it_is_cross_entropy(some):
    logits, _, targets = (value.double() for value in some)
    plain = cross_entropy(logits, targets)
    for q in (1e-2, 1e-4, 1e-6):
        # -expm1(-q L) / q lies between L - q L^2 / 2 and L.
        short = plain - generalised_cross_entropy(logits, targets, q)
        assert (short >= -1e-9).all()
        assert (short <= q * plain**2 / 2 + 1e-9).all()


def test_a_small_q_keeps_its_digits_in_float32(some):
    logits, _, targets = some
    found = generalised_cross_entropy(logits, targets, 0.001)
    exact = generalised_cross_entropy(logits.double(), targets.double(), 0.001)
    assert torch.allclose(found.double(), exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("q", [0.001, 0.3, 0.7, 1.0])
def test_gradient_of_generalised_cross_entropy(q):
    logits = torch.tensor(EXTREME[2:], dtype=torch.float64, requires_grad=True)
    hard = F.one_hot(torch.tensor([0, 1, 0, 1]), 2).double()
    for targets in (hard, smooth(hard, 0.2)):
        assert torch.autograd.gradcheck(
            lambda x, t=targets: generalised_cross_entropy(x, t, q), logits
        )


@pytest.mark.parametrize("q", [0.001, 0.7, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_generalised_cross_entropy_stays_finite_and_bounded_at_extremes(q, dtype):
    for label in (0, 1):
        logits = torch.tensor(EXTREME, dtype=dtype, requires_grad=True)
        targets = F.one_hot(torch.full((6,), label), 2).to(dtype)
        losses = generalised_cross_entropy(logits, targets, q)
        losses.sum().backward()
        assert ((losses >= 0) & (losses <= 1 / q + 1e-3)).all()
        assert logits.grad.isfinite().all()


def test_gce_as_a_plugin_is_the_formula(some):
    logits, _, targets = some
    found = create(("gce", {"q": 0.4})).criterion()(logits, targets)
    assert torch.equal(found, generalised_cross_entropy(logits, targets, 0.4))
    with pytest.raises(UsageError) as error:
        create(("gce", {"q": 0}))
    assert str(error.value) == "gce.q: expected a number from 0.001 to 1, got 0"


# Class-balanced cross-entropy


@pytest.mark.parametrize(
    ("beta", "rows", "expected"),
    [
        (0.0, 1, 1.0),
        (0.0, 500, 1.0),
        (0.5, 3, 1.75),  # 1 + 1/2 + 1/4
        (0.9, 2, 1.9),
        (1.0, 7, 7.0),
        (1 - 1e-12, 1000, 1000.0),  # where 1 - beta^n would lose its digits
        (0.5, 0, 1.0),
    ],
)
def test_effective_numbers_by_hand(beta, rows, expected):
    assert effective_number(beta, rows) == pytest.approx(expected, rel=1e-8)


def test_effective_weights_by_hand():
    # Effective numbers 1.75 and 1: weights as 4 to 7, mean 1 over three rows and one.
    assert effective_weights(0.5, [3, 1]) == pytest.approx([16 / 19, 28 / 19])
    assert effective_weights(0.0, [900, 7, 31]) == [1.0, 1.0, 1.0]
    balanced = class_weights("balanced", list("abc"), [60, 30, 10])
    assert effective_weights(1.0, [60, 30, 10]) == pytest.approx(balanced)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 1.0])
def test_effective_weights_have_mean_one_over_the_rows(beta):
    counts = [700, 40, 3, 0]
    weights = effective_weights(beta, counts)
    assert sum(w * n for w, n in zip(weights, counts, strict=True)) / 743 == pytest.approx(1)
    assert weights == sorted(weights)


def test_weights_without_a_mean_are_all_zero():
    assert mean_one([2.0, 0.0], [1, 3]) == [4.0, 0.0]
    assert mean_one([0.0, 5.0], [4, 0]) == [0.0, 0.0]


def test_class_balanced_as_a_plugin_is_that_of_torch(some):
    logits, labels, targets = some
    counts = [10, 20, 30, 40, 100]
    criterion = create(("class-balanced", {"beta": 0.99})).criterion(class_counts=counts)
    weights = torch.tensor(effective_weights(0.99, counts))
    found = criterion(logits, targets)
    assert torch.equal(found, weighted_cross_entropy(logits, targets, weights))
    expected = F.cross_entropy(logits, labels, weight=weights, reduction="none")
    assert torch.allclose(found, expected, atol=1e-5)
    equal_weights = create(("class-balanced", {"beta": 0})).criterion(class_counts=counts)
    assert torch.equal(equal_weights(logits, targets), cross_entropy(logits, targets))


def test_class_balanced_counts_the_training_rows():
    counts = np.bincount(random_rows().labels)
    model = small_model().train()
    inputs, labels = batch()
    weights = torch.tensor(effective_weights(0.9, counts.tolist()))
    losses = F.cross_entropy(model(**inputs).logits, labels, weight=weights, reduction="none")
    losses.mean().backward()
    expected = {name: p.grad for name, p in model.named_parameters()}
    found = gradients(small_trainer("class-balanced(beta=0.9)"), ROWS)
    assert largest_difference(found, expected) < 1e-6


# R-Drop


def test_symmetric_kl_is_that_of_torch(some):
    logits, _, _ = some
    one, other = logits[:32].log_softmax(-1), logits[32:].log_softmax(-1)
    there = F.kl_div(other, one, log_target=True, reduction="none").sum(-1)
    back = F.kl_div(one, other, log_target=True, reduction="none").sum(-1)
    found = symmetric_kl(logits[:32], logits[32:])
    assert torch.allclose(found, (there + back) / 2, rtol=1e-5)


def test_equal_logits_are_apart_by_nothing_exactly(some):
    one, other = (some[0].clone().requires_grad_() for _ in range(2))
    apart = symmetric_kl(one, other)
    apart.sum().backward()
    for value in (apart, one.grad, other.grad):
        assert not value.any()


def test_gradient_of_the_symmetric_kl():
    torch.manual_seed(0)
    one, other = (torch.randn(4, 3).double().requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(symmetric_kl, (one, other))


def test_the_symmetric_kl_stays_finite_at_extremes():
    one = torch.tensor(EXTREME, requires_grad=True)
    other = torch.tensor(EXTREME[::-1], requires_grad=True)
    apart = symmetric_kl(one, other)
    apart.sum().backward()
    for value in (apart, one.grad, other.grad):
        assert value.isfinite().all()
    assert (apart >= 0).all()


def textbook_losses(model, inputs, labels, alpha):
    """The loss of the paper, halved, as its authors' users write it: their alpha is twice ours."""
    first, second = model(**inputs).logits, model(**inputs).logits
    likelihood = F.cross_entropy(first, labels) + F.cross_entropy(second, labels)
    p, q = first.log_softmax(-1), second.log_softmax(-1)
    there = F.kl_div(q, p.exp(), reduction="batchmean")
    back = F.kl_div(p, q.exp(), reduction="batchmean")
    return (likelihood + 2 * alpha * (there + back) / 2) / 2


def padded_trainer(spelling, **options):
    """A trainer whose dropout draws what the textbook's draws."""
    trainer = small_trainer(spelling, **options)
    trainer.feed.layout = PADDED
    return trainer


@pytest.mark.parametrize("alpha", [0.0, 1.0, 4.0])
def test_r_drop_is_the_textbook_loop(alpha):
    model = small_model(dropout=0.3).train()
    inputs, labels = batch()
    torch.manual_seed(7)
    textbook_losses(model, inputs, labels, alpha).backward()
    expected = {name: p.grad for name, p in model.named_parameters()}
    found = gradients(padded_trainer(f"r-drop(alpha={alpha})", dropout=0.3), ROWS)
    assert largest_difference(found, expected) < 1e-6


@pytest.mark.parametrize("attack", ["", ",fgm", ",fgm(at='inputs')", ",pgd", ",pgd(at='inputs')"])
@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0])
def test_without_dropout_it_is_plain_training_bit_for_bit(alpha, attack):
    trainer = small_trainer(f"r-drop(alpha={alpha})" + attack)
    assert equal(gradients(trainer, ROWS), gradients(small_trainer(attack[1:]), ROWS))
    r_drop = next(plugin for plugin in trainer.hooks.plugins if plugin.name == "r-drop")
    assert r_drop.counts() == {"rows that differed": 0}


def test_r_drop_under_fgm_at_the_table_is_the_textbook_loop():
    model = small_model(dropout=0.3).train()
    inputs, labels = batch()
    table = model.get_input_embeddings().weight
    torch.manual_seed(7)
    textbook_losses(model, inputs, labels, 1.0).backward()
    with torch.no_grad():
        push = 0.7 * table.grad / table.grad.norm()
        table.add_(push)
    textbook_losses(model, inputs, labels, 1.0).backward()
    expected = {name: p.grad for name, p in model.named_parameters()}
    found = gradients(padded_trainer("r-drop,fgm(epsilon=0.7)", dropout=0.3), ROWS)
    assert largest_difference(found, expected) < 1e-6


def test_r_drop_under_fgm_at_inputs_pushes_each_look_by_itself():
    model = small_model(dropout=0.3).train()
    inputs, labels = batch()
    embed, vectors, pushes = model.get_input_embeddings(), [], []

    def look(module, arguments, output):
        output = output + pushes.pop(0) if pushes else output
        output.retain_grad()
        vectors.append(output)
        return output

    embed.register_forward_hook(look)
    torch.manual_seed(7)
    textbook_losses(model, inputs, labels, 1.0).backward()
    for vector in vectors:
        norms = vector.grad.flatten(1).norm(dim=1)[:, None, None]
        pushes.append(0.7 * vector.grad / norms)
    textbook_losses(model, inputs, labels, 1.0).backward()
    expected = {name: p.grad for name, p in model.named_parameters()}
    found = gradients(padded_trainer("r-drop,fgm(epsilon=0.7,at='inputs')", dropout=0.3), ROWS)
    assert largest_difference(found, expected) < 1e-6


@pytest.mark.parametrize(
    ("spelling", "passes"),
    [("r-drop", 2), ("r-drop,fgm", 4), ("r-drop,fgm(at='inputs')", 4), ("r-drop,pgd(steps=2)", 6)],
)
def test_the_passes_of_r_drop_and_an_adversary_multiply(spelling, passes):
    trainer = small_trainer(spelling, dropout=0.1)
    gradients(trainer)
    assert trainer.run.forwards == trainer.hooks.passes() == passes


# Schedules


def test_schedules_by_hand():
    third = 1 / 3
    assert cosine_schedule(6, 2) == pytest.approx(
        [third, 2 * third, 1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2, 0]
    )
    assert cosine_schedule(4, 0, floor=0.2)[::2] == pytest.approx([1, 0.6, 0.2])
    assert constant_schedule(4, 2) == pytest.approx([third, 2 * third, 1, 1, 1])


def test_the_cosine_is_that_of_torch():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.1)
    rates = []
    for _ in range(51):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert cosine_schedule(50, 0, floor=0.1) == pytest.approx(rates)


@pytest.mark.parametrize(("total", "warmup"), [(1, 0), (1, 1), (10, 0), (10, 3), (10, 10), (97, 5)])
def test_schedules_share_the_warm_up_and_their_ends_are_exact(total, warmup):
    linear = linear_schedule(total, warmup)
    for floor in (0.0, 0.1, 1.0):
        cosine = cosine_schedule(total, warmup, floor)
        assert len(cosine) == total + 1
        assert cosine[:warmup] == linear[:warmup]
        assert cosine[-1] == floor
        assert cosine[warmup] == 1 or warmup == total
        assert cosine[warmup:] == sorted(cosine[warmup:], reverse=True)
    constant = constant_schedule(total, warmup)
    assert constant == [*linear[:warmup], *[1.0] * (total + 1 - warmup)]
    assert cosine_schedule(total, warmup, 1.0) == pytest.approx(constant)


@pytest.mark.parametrize(("name", "last"), [("cosine(floor=0.25)", 0.25), ("constant", 1.0)])
def test_the_rates_of_a_run_are_those_of_the_schedule(name, last):
    trainer = small_trainer(name, epochs=4.0, eval_every=100.0, warmup_steps=3)
    rates = []
    for step in range(trainer.run.total_steps):
        trainer.optimizer_step(trainer.feed.batch(step))
        rates.append(trainer.run.optimizer.param_groups[0]["lr"] / 1e-3)
    table = cosine_schedule(12, 3, 0.25) if "cosine" in name else constant_schedule(12, 3)
    assert rates == pytest.approx(table[:-1])
    assert trainer.factors[-1] == last
    with pytest.raises(UsageError, match="constant and cosine both fill the slot schedule"):
        small_trainer("constant,cosine")
