"""What slots and pipes answer, each asked by itself."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.plans import stream
from ..errors import UsageError
from ..hooks.assembly import Hooks
from ..hooks.precision import Precision
from ..training.optim import check_schedule
from .bench import Bench, rows

if TYPE_CHECKING:
    from torch import Tensor

_AGAIN = "take randomness from rng alone"


def sampling(bench: Bench) -> Iterator[str]:
    """Rows of an epoch depend on the labels and rng alone, which stay as they are."""
    hooks, labels = Hooks([bench.make()]), rows(24, len(bench.labels), 1).labels
    given = labels.copy()

    def ask() -> Any:
        return np.asarray(hooks.call.sampling(labels=given, rng=stream(5, "sampling", 1))).tolist()

    if not _repeats(ask):
        yield f"sampling: asked again with the same rng it draws other rows; {_AGAIN}"
    if not np.array_equal(given, labels):
        yield "sampling: it changes the labels it is given; work on a copy"


def augment(bench: Bench) -> Iterator[str]:
    """Texts of an epoch depend on the texts, labels and rng alone."""
    hooks, examples = Hooks([bench.make()]), rows(24, len(bench.labels), 1)

    def ask() -> Any:
        return hooks.call.augment(
            texts=list(examples.texts or ()), labels=examples.labels,
            rng=lambda name: stream(5, name, 1),
        )  # fmt: skip

    texts = ask()
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        yield "augment: expected a list of texts"
    elif not _repeats(ask):
        yield f"augment: asked again with the same rng it returns other texts; {_AGAIN}"


def _repeats(ask: Callable[[], Any]) -> bool:
    """Return whether the answer stays when all other sources of randomness move on."""
    import torch

    answers = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        answers.append(ask())
    return bool(answers[0] == answers[1])


def schedule(bench: Bench) -> Iterator[str]:
    """The table has a factor for each step and one more, whatever the length of the warm-up."""
    for total, warmup in ((12, 3), (12, 0), (12, 12), (1, 0), (1, 1)):
        hooks = Hooks([bench.make()])
        where = f"schedule(total_steps={total}, warmup_steps={warmup})"
        try:
            found = list(hooks.call.schedule(total_steps=total, warmup_steps=warmup))
            factors = check_schedule(found, total, "schedule")
        except UsageError as error:
            yield f"{where}: {error}"
            return
        except (ArithmeticError, LookupError, ValueError) as error:
            yield f"{where}: {type(error).__name__}: {error}"
            return
        if not all(math.isfinite(factor) and factor >= 0 for factor in factors):
            yield f"{where}: a factor is below 0 or not finite: {factors}"
            return


def param_groups(bench: Bench) -> Iterator[str]:
    """Each group says its rate, its decay and its name."""
    trainer = bench.trainer([])
    groups = Hooks([bench.make()]).call.param_groups(
        model=trainer.run.model, lr=1e-3, weight_decay=0.01
    )
    for key in ("params", "lr", "weight_decay", "name"):
        if any(key not in group for group in groups):
            yield f"param_groups: a group without {key!r}; each has params, lr, weight_decay, name"


def precision(bench: Bench) -> Iterator[str]:
    """The answer is a Precision whose step() says whether it stepped, in a tensor."""
    import torch

    trainer = bench.trainer([])
    made = Hooks([bench.make()]).call.precision(device=trainer.run.device)
    if not isinstance(made, Precision):
        yield f"precision: expected a titlekit.Precision, got {type(made).__name__}"
        return
    losses = made.scale(trainer.run.model(torch.tensor([[5, 6]])).logits.sum())
    losses.backward()  # type: ignore[no-untyped-call]
    made.unscale(trainer.run.optimizer)
    stepped = made.step(trainer.run.optimizer)
    if not isinstance(stepped, torch.Tensor) or stepped.shape or stepped.dtype != torch.bool:
        yield "precision: step() must return a tensor of no dimension that is true or false"


def targets(bench: Bench) -> Iterator[str]:
    """Targets are class probabilities, and the rows' own are noticed."""
    import torch

    classes = len(bench.labels)
    labels = torch.arange(6) % classes
    own = torch.from_numpy(np.random.default_rng(3).dirichlet([1.0] * classes, 6)).float()
    answers = []
    for soft in (None, own, own.flip(0)):
        given = None if soft is None else soft.clone()
        found = Hooks([bench.make()]).call.targets(labels=labels, num_classes=classes, soft=given)
        if not isinstance(found, torch.Tensor) or found.shape != (6, classes):
            yield f"targets: expected a tensor of shape (6, {classes}), a row of probabilities each"
            return
        sums = found.sum(-1)
        if not (found >= 0).all() or not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
            yield "targets: a row is no set of probabilities: none below 0, and their sum is 1"
            return
        if soft is not None and given is not None and not torch.equal(given, soft):
            yield "targets: it changes the rows' own probabilities in place; work on a copy"
            return
        answers.append(found)
    if torch.equal(answers[1], answers[2]):
        bench.notes.append("targets: what rows bring along (--soft-targets) is thrown away")


def criterion(bench: Bench) -> Iterator[str]:
    """Losses are one a row, each of its row alone, finite, with the right gradient."""
    import torch

    classes = len(bench.labels)
    counts = np.bincount(rows(24, classes, 1).labels).tolist()
    loss = Hooks([bench.make()]).call.criterion(labels=bench.labels, class_counts=counts)
    torch.manual_seed(1)
    logits = torch.randn(6, classes)
    hard = torch.nn.functional.one_hot(torch.arange(6) % classes, classes).float()
    soft = 0.7 * hard + 0.3 / classes
    fault = _one_a_row(loss, logits, hard)
    if fault:
        yield fault
        return
    if not torch.equal(loss(logits, hard), loss(logits, hard)):
        bench.notes.append("criterion: it draws at random, so its values were not checked")
        return
    if not _by_itself(loss, logits, soft):
        yield "criterion: the loss of a row changes with the other rows of its batch"
        return
    yield from _finite(loss, hard)
    share = max(_slope_error(loss, logits, chances) for chances in (hard, soft))
    if share > 0.02:
        yield (
            f"criterion: its gradient is not the slope of the losses (off by {share:.0%}); a "
            "backward of its own is wrong, or a factor is detached"
        )


def _one_a_row(loss: Any, logits: Tensor, chances: Tensor) -> str:
    import torch

    before = copy.deepcopy((logits, chances))
    found = loss(logits, chances)
    if not isinstance(found, torch.Tensor) or found.shape != (len(logits),):
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        return f"criterion: expected one loss a row, ({len(logits)},), got {shape}; do not average"
    if found.dtype != torch.float32:
        return f"criterion: expected losses in float32, got {found.dtype}"
    if not torch.equal(before[0], logits) or not torch.equal(before[1], chances):
        return "criterion: it changes its logits or targets in place; work on a copy"
    inputs = logits.clone().requires_grad_()
    if not loss(inputs, chances).requires_grad:
        return "criterion: the losses have no gradient; do not detach them"
    return ""


def _by_itself(loss: Any, logits: Tensor, chances: Tensor) -> bool:
    """Return whether the losses of rows stay when rows are turned round or left out."""
    import torch

    whole = loss(logits, chances)
    turned = loss(logits.flip(0), chances.flip(0)).flip(0)
    part = loss(logits[:2], chances[:2])
    close = torch.allclose(whole, turned, atol=1e-5) and torch.allclose(whole[:2], part, atol=1e-5)
    return bool(close)


def _finite(loss: Any, hard: Tensor) -> Iterator[str]:
    import torch

    for size in (0.0, 200.0, -200.0):
        logits = (size * (2 * hard - 1)).requires_grad_()
        found = loss(logits, hard)
        (slope,) = torch.autograd.grad(found.sum(), logits)
        if not found.isfinite().all() or not slope.isfinite().all():
            yield (
                f"criterion: a loss or its gradient is not finite where the right logit is "
                f"{size:g} and others are {-size:g}; use log_softmax, keep powers away from 0"
            )
            return


def _slope_error(loss: Any, logits: Tensor, chances: Tensor) -> float:
    """Return the largest error of a gradient against central differences, as a share of it."""
    import torch

    # In float64 the difference is exact to eight digits; some losses compute in float32 whatever
    # they are given, and there the step must be wide.
    try:
        double = loss(logits.double(), chances.double()).dtype == torch.float64
    except RuntimeError:  # it multiplies with tensors of its own, which are float32
        double = False
    width = 1e-5 if double else 1e-2
    x = (logits.double() if double else logits.clone()).requires_grad_()
    t = chances.to(x.dtype)
    (slope,) = torch.autograd.grad(loss(x, t).sum(), x)
    differences = torch.zeros_like(slope)
    with torch.no_grad():
        for place in range(x.shape[1]):
            step = torch.zeros_like(x)
            step[:, place] = width
            differences[:, place] = (loss(x + step, t) - loss(x - step, t)) / (2 * width)
    return float((slope - differences).abs().max() / differences.abs().max().clamp_min(1e-3))
