"""Exact division, one norm a row, and the safe ways to touch gradients and weights."""

from __future__ import annotations

import contextlib
import types

import pytest
import torch

from titlekit import Output, Step, UsageError, borrowed, isolated_grad, row_norm
from titlekit.core.hooks.precision import float32


def step_with(run=None, ids=None, **given):
    rows = 3 if ids is None else len(ids)
    defaults = {
        "run": run, "number": 0,
        "inputs": {"input_ids": torch.zeros(rows, 4, dtype=torch.long) if ids is None else ids},
        "rows": torch.arange(rows), "labels": torch.zeros(rows, dtype=torch.long),
        "targets": torch.ones(rows, 2), "weights": torch.ones(rows), "total_weight": float(rows),
    }  # fmt: skip
    return Step(**{**defaults, **given})


def run_with(forward, criterion, owner="core"):
    hooks = types.SimpleNamespace(owner=lambda slot: owner if slot == "loss" else "?")
    return types.SimpleNamespace(
        precision=float32(torch.device("cpu")), model_forward=forward, criterion=criterion,
        forwards=0, hooks=hooks,
    )  # fmt: skip


# Step


def test_the_share_of_a_micro_batch_is_weighted_by_the_whole_batch():
    step = step_with(weights=torch.tensor([1.0, 0.5, 0.0]), total_weight=8.0)
    losses = torch.tensor([4.0, 2.0, 1e30])
    assert step.loss(losses).item() == (4.0 + 1.0) / 8.0


def test_shares_of_micro_batches_sum_to_the_whole():
    torch.manual_seed(0)
    losses, weights = torch.rand(12, dtype=torch.float64), torch.rand(12, dtype=torch.float64)
    total = float(weights.sum())
    shares = [
        step_with(weights=weights[at : at + size], total_weight=total).loss(losses[at : at + size])
        for at, size in ((0, 1), (1, 4), (5, 7))
    ]
    whole = (weights * losses).sum() / weights.sum()
    assert torch.allclose(sum(shares), whole, rtol=0, atol=1e-15)


def test_forward_is_float32_for_the_criterion_and_counts_passes():
    seen = []

    def forward(inputs):
        return inputs["input_ids"][:, :2].to(torch.bfloat16), None

    def criterion(logits, targets):
        seen.append((logits.dtype, targets.shape))
        return logits.sum(-1)

    run = run_with(forward, criterion)
    output = step_with(run).forward()
    assert isinstance(output, Output)
    assert seen == [(torch.float32, (3, 2))]
    assert (output.logits.dtype, output.losses.shape, output.features) == (
        torch.float32, (3,), None
    )  # fmt: skip
    assert run.forwards == 1


@pytest.mark.parametrize(("owner", "dims"), [("focal", ()), ("./mine.py:Mine", (1,))])
def test_a_loss_that_is_not_one_value_a_row_is_refused(owner, dims):
    def criterion(logits, targets):
        return logits.sum() if not dims else logits.sum(-1, keepdim=True)

    def forward(inputs):
        return torch.zeros(3, 2), None

    with pytest.raises(UsageError) as error:
        step_with(run_with(forward, criterion, owner)).forward()
    shape = (3, 1) if dims else ()
    assert str(error.value) == (
        f"{owner}: the criterion returned shape {shape}, expected one loss a row: (3,)"
    )


def test_backward_adds_the_scaled_share_and_scaled_grad_adds_nothing():
    run = run_with(None, None)
    run.precision.scale = lambda loss: loss * 4
    weight = torch.nn.Parameter(torch.tensor(2.0))
    step = step_with(run, total_weight=6.0)
    (gradient,) = step.scaled_grad(weight * torch.ones(3), [weight])
    assert (gradient.item(), weight.grad) == (2.0, None)
    step.backward(weight * torch.ones(3))
    step.backward(weight * torch.ones(3))
    assert weight.grad.item() == 4.0


def test_row_of_token_has_the_shape_of_the_ids():
    step = step_with(ids=torch.zeros(2, 3, dtype=torch.long))
    assert step.row_of_token.tolist() == [[0, 0, 0], [1, 1, 1]]


# row_norm


def test_row_norm_is_the_norm_of_each_row_over_its_tokens():
    torch.manual_seed(0)
    x = torch.randn(3, 4, 5)
    norms = row_norm(x, step_with())
    assert norms.shape == (3, 4, 1)
    expected = x.reshape(3, -1).norm(dim=1)
    assert torch.allclose(norms[:, 0, 0], expected)
    assert torch.equal(norms, norms[:, :1].expand(3, 4, 1))


def test_row_norm_takes_repeated_rows_and_half_precision():
    x = torch.full((6, 4, 5), 300.0, dtype=torch.float16)  # its squares overflow float16
    norms = row_norm(x, step_with())
    assert (norms.shape, norms.dtype) == ((6, 4, 1), torch.float32)
    assert torch.allclose(norms, torch.tensor(300.0 * 20**0.5))
    assert not row_norm(torch.zeros(3, 4, 5), step_with()).any()


# isolated_grad


def parameter_with(grad):
    parameter = torch.nn.Parameter(torch.tensor([0.3, -1.7, 2.2]))
    parameter.grad = grad
    return parameter


def losses_of(parameter):
    return (parameter.sin() * 0.1).sum()


@pytest.mark.parametrize("earlier", [None, torch.tensor([1e8, 1e-9, 0.1])])
def test_isolated_gradients_sum_as_plain_accumulation_does(earlier):
    plain = parameter_with(None if earlier is None else earlier.clone())
    losses_of(plain).backward()
    isolated = parameter_with(None if earlier is None else earlier.clone())
    with isolated_grad(isolated):
        losses_of(isolated).backward()
        alone = parameter_with(None)
        losses_of(alone).backward()
        assert torch.equal(isolated.grad, alone.grad)
    assert torch.equal(isolated.grad, plain.grad)


def test_isolated_gradient_keeps_the_sum_where_nothing_is_added():
    earlier = torch.ones(3)
    parameter = parameter_with(earlier)
    with isolated_grad(parameter):
        assert parameter.grad is None
    assert parameter.grad is earlier
    empty = parameter_with(None)
    with isolated_grad(empty):
        pass
    assert empty.grad is None


def test_isolated_gradient_is_whole_after_an_exception():
    parameter = parameter_with(torch.ones(3))
    with contextlib.suppress(ZeroDivisionError), isolated_grad(parameter):
        parameter.grad = torch.full((3,), 2.0)
        raise ZeroDivisionError
    assert parameter.grad.tolist() == [3.0, 3.0, 3.0]


# borrowed


@pytest.mark.parametrize("fails", [False, True])
def test_borrowed_weights_come_back_bit_for_bit_in_place(fails):
    odd = torch.tensor([0.1, -0.0, float("nan"), float("inf"), 1e-45, 3.4e38])
    parameter = torch.nn.Parameter(odd.clone())
    storage = parameter.data_ptr()
    before = odd.view(torch.int32).clone()
    with contextlib.suppress(ZeroDivisionError), borrowed(parameter) as clean:
        assert clean.data_ptr() != storage
        assert torch.equal(clean.view(torch.int32), before)
        parameter.detach().add_(0.3).mul_(7)
        assert not torch.equal(parameter.detach().view(torch.int32), before)
        if fails:
            raise ZeroDivisionError
    assert torch.equal(parameter.detach().view(torch.int32), before)
    assert parameter.data_ptr() == storage
    assert parameter.requires_grad
    assert parameter.grad is None


def test_borrowed_weights_may_be_used_in_a_graph():
    parameter = torch.nn.Parameter(torch.tensor([2.0]))
    with borrowed(parameter):
        parameter.detach().fill_(3.0)
        (parameter**2).sum().backward()
    assert (parameter.item(), parameter.grad.item()) == (2.0, 6.0)
