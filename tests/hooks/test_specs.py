"""Every hook as a plugin author meets it: who answers, what it is given, what it returns."""

from __future__ import annotations

import inspect
import re
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from titlekit import Plugin, Precision, Run, Step, hookimpl
from titlekit.core.data.plans import stream
from titlekit.core.hooks.assembly import HOOKS, Hooks
from titlekit.core.hooks.defaults import linear_schedule
from titlekit.core.hooks.precision import float32
from titlekit.core.hooks.specs import NOTICES, PIPES, SLOT_ORDER, SLOTS, Specs

TESTS = Path(__file__).parents[1]
CPU = torch.device("cpu")


class Sizes(torch.nn.Module):
    """Word embeddings, mean, a linear head: the smallest model with a table."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Embedding(7, 3)
        self.head = torch.nn.Linear(3, 2)

    def get_input_embeddings(self):
        return self.table

    def forward(self, input_ids):
        features = self.table(input_ids).mean(1)
        return self.head(features), features


@pytest.fixture
def start():
    """Return a function that assembles plugins and starts a run over a tiny model."""

    def run(*plugins):
        hooks = Hooks(plugins)
        model = Sizes()
        groups = hooks.call.param_groups(model=model, lr=0.1, weight_decay=0.01)
        return Run(
            model=model, labels=["wrong", "correct"], class_counts=[3, 1], device=CPU,
            hooks=hooks, precision=hooks.call.precision(device=CPU),
            criterion=hooks.call.criterion(labels=["wrong", "correct"], class_counts=[3, 1]),
            optimizer=hooks.call.optimizer(groups=groups, lr=0.1),
            model_forward=lambda inputs: model(**inputs),
            generator=torch.Generator().manual_seed(0), steps_per_epoch=4,
            evaluate_here=lambda: {"f1": 0.5},
        )  # fmt: skip

    return run


def step_of(run, number=0):
    labels = torch.tensor([0, 1, 1])
    return Step(
        run=run, number=number, inputs={"input_ids": torch.tensor([[1, 2], [3, 4], [5, 6]])},
        rows=torch.arange(3), labels=labels,
        targets=run.hooks.call.targets(labels=labels, num_classes=2, soft=None),
        weights=torch.tensor([1.0, 2.0, 0.0]), total_weight=6.0,
    )  # fmt: skip


# The page itself


def test_the_shapes_cover_every_hook_once():
    specs = [name for name in vars(Specs) if not name.startswith("_")]
    assert specs == list(HOOKS)
    assert list(HOOKS) == [*SLOTS, *PIPES, *NOTICES]
    # "average" has no hook of its own: what fills it wraps evaluate as any plugin may.
    assert set(SLOT_ORDER) == {*SLOTS.values(), *PIPES.values(), "average"} - {None}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_typed_and_says_its_shape(hook):
    spec = getattr(Specs, hook)
    signature = inspect.signature(spec)
    arguments = list(signature.parameters.values())[1:]
    assert arguments
    assert all(argument.annotation is not argument.empty for argument in arguments)
    assert all(argument.default is argument.empty for argument in arguments)
    assert signature.return_annotation is not signature.empty
    shape = "Slot " if hook in SLOTS else "Pipe" if hook in PIPES else "Notice"
    first = inspect.getdoc(spec).split("\n")[0]
    assert first.startswith(shape)
    slot = SLOTS.get(hook) or PIPES.get(hook)
    assert slot is None or slot in first
    # One answer for slots and pipes, all answers for notices.
    assert spec.titlekit_spec["firstresult"] is (hook not in NOTICES)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_stands_in_the_loop_and_has_a_test(hook):
    page = inspect.getdoc(inspect.getmodule(Specs))
    assert re.search(rf"\b{hook}\b", page)
    tests = "\n".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert re.search(rf"def test_hook_{hook}\b", tests)


def test_the_loop_names_no_hook_that_is_not_there():
    page = inspect.getdoc(inspect.getmodule(Specs))
    named = re.findall(r"^ *(\w+)\([^)]*\) +(?:slot|pipe|notice)", page, re.MULTILINE)
    once = {"criterion", "param_groups", "optimizer", "schedule", "precision"}  # one line
    assert {*named, *once} == set(HOOKS)


# Slots: core answers, unless a plugin does


def test_hook_criterion(start):
    @dataclass(eq=False)
    class Hinge(Plugin):
        slot = "loss"

        @hookimpl
        def criterion(self, labels, class_counts):
            self.seen = (labels, class_counts)
            return lambda logits, targets: (logits * targets).sum(-1)

    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    plain = start().criterion(logits, targets)
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1]), reduction="none")
    assert torch.allclose(plain, expected)
    hinge = Hinge()
    assert start(hinge).criterion(logits, targets).tolist() == [2.0, 1.0]
    assert hinge.seen == (["wrong", "correct"], [3, 1])


def test_hook_param_groups():
    @dataclass(eq=False)
    class One(Plugin):
        slot = "groups"

        @hookimpl
        def param_groups(self, model, lr):
            return [{"params": list(model.parameters()), "lr": lr / 2, "name": "one"}]

    model = Sizes()
    model.head.bias.requires_grad_(False)
    model.norm = torch.nn.LayerNorm(3)
    asked = {"model": model, "lr": 0.1, "weight_decay": 0.01}
    decayed, plain = Hooks([]).call.param_groups(**asked)
    assert decayed["params"] == [model.table.weight, model.head.weight]
    assert plain["params"] == [model.norm.weight, model.norm.bias]
    assert [(g["name"], g["lr"], g["weight_decay"]) for g in (decayed, plain)] == [
        ("all", 0.1, 0.01),
        ("all (no decay)", 0.1, 0.0),
    ]
    assert Hooks([One()]).call.param_groups(**asked)[0]["lr"] == 0.05


def test_hook_optimizer():
    @dataclass(eq=False)
    class Sgd(Plugin):
        slot = "optimizer"

        @hookimpl
        def optimizer(self, groups, lr):
            return torch.optim.SGD(groups, lr=lr)

    weight = torch.nn.Parameter(torch.ones(2))
    groups = [{"params": [weight], "lr": 0.3, "weight_decay": 0.02, "name": "all"}]
    plain = Hooks([]).call.optimizer(groups=groups, lr=0.1)
    assert type(plain) is torch.optim.AdamW
    assert plain.param_groups[0]["fused"] is True
    assert (plain.param_groups[0]["lr"], plain.param_groups[0]["weight_decay"]) == (0.3, 0.02)
    assert type(Hooks([Sgd()]).call.optimizer(groups=groups, lr=0.1)) is torch.optim.SGD


def test_hook_schedule():
    @dataclass(eq=False)
    class Flat(Plugin):
        slot = "schedule"

        @hookimpl
        def schedule(self, total_steps):
            return [1.0] * (total_steps + 1)

    plain = Hooks([]).call.schedule(total_steps=6, warmup_steps=2)
    assert plain == pytest.approx([1 / 3, 2 / 3, 1.0, 0.75, 0.5, 0.25, 0.0])
    assert Hooks([Flat()]).call.schedule(total_steps=2, warmup_steps=2) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("total", "warmup"), [(1, 0), (1, 1), (5, 5), (7, 3), (100, 6)])
def test_the_linear_schedule_rises_then_falls_to_nothing(total, warmup):
    factors = linear_schedule(total, warmup)
    assert len(factors) == total + 1
    assert all(0 < factor <= 1 for factor in factors[:-1])
    assert factors[-1] == 0
    assert factors[:warmup] == sorted(set(factors[:warmup]))
    assert factors[warmup:] == sorted(set(factors[warmup:]), reverse=True)


def test_hook_precision():
    @dataclass(eq=False)
    class Half(Plugin):
        slot = "precision"

        @hookimpl
        def precision(self, device):
            plain = float32(device)
            plain.name = f"half on {device}"
            return plain

    assert Hooks([Half()]).call.precision(device=CPU).name == "half on cpu"
    plain = Hooks([]).call.precision(device=CPU)
    assert isinstance(plain, Precision)
    assert (plain.name, plain.state(), plain.may_skip) == ("fp32", {}, False)
    loss = torch.tensor(2.0)
    assert plain.scale(loss) is loss
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.full((2,), 0.5)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    plain.unscale(optimizer)
    with plain.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    stepped = plain.step(optimizer)
    assert weight.tolist() == [0.5, 0.5]
    assert (stepped.ndim, stepped.dtype, bool(stepped)) == (0, torch.bool, True)
    plain.load_state({})


def test_hook_sampling():
    @dataclass(eq=False)
    class Even(Plugin):
        slot = "sampling"

        @hookimpl
        def sampling(self, labels, rng):
            return rng.permutation(np.flatnonzero(labels == 1))

    labels = np.array([0, 1, 0, 1, 1, 0])
    plain = Hooks([]).call.sampling(labels=labels, rng=stream(1, "sampling", 0))
    assert sorted(plain) == list(range(6))
    again = Hooks([]).call.sampling(labels=labels, rng=stream(1, "sampling", 0))
    assert plain.tolist() == again.tolist()
    even = Hooks([Even()]).call.sampling(labels=labels, rng=stream(1, "sampling", 0))
    assert sorted(even) == [1, 3, 4]


# Pipes: core's answer, wrapped


def test_hook_targets():
    @dataclass(eq=False)
    class Softer(Plugin):
        @hookimpl(wrapper=True)
        def targets(self, num_classes):
            rows = yield
            return rows * 0.8 + 0.2 / num_classes

    labels = torch.tensor([1, 0])
    plain = Hooks([]).call.targets(labels=labels, num_classes=3, soft=None)
    assert plain.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    assert plain.dtype == torch.float32
    softer = Hooks([Softer()]).call.targets(labels=labels, num_classes=2, soft=None)
    assert torch.allclose(softer, torch.tensor([[0.1, 0.9], [0.9, 0.1]]))


def test_hook_targets_are_the_rows_own_where_they_have_some():
    @dataclass(eq=False)
    class Look(Plugin):
        @hookimpl(wrapper=True)
        def targets(self, labels, soft):
            rows = yield
            assert rows is soft
            return rows[:, [1, 0]]

    labels, soft = torch.tensor([1, 0]), torch.tensor([[0.3, 0.7], [0.6, 0.4]])
    asked = {"labels": labels, "num_classes": 2, "soft": soft}
    assert Hooks([]).call.targets(**asked) is soft
    assert torch.equal(Hooks([Look()]).call.targets(**asked), soft[:, [1, 0]])


def test_hook_objective(start):
    @dataclass(eq=False)
    class Twice(Plugin):
        @hookimpl(wrapper=True)
        def objective(self, step):
            first = yield
            second = step.forward()
            first.losses = first.losses + second.losses
            return first

    run = start()
    plain = step_of(run).objective()
    assert run.forwards == 1
    assert (plain.losses.shape, plain.logits.shape) == ((3,), (3, 2))
    assert plain.logits.dtype == torch.float32
    assert torch.equal(
        plain.features, run.model.table(torch.tensor([[1, 2], [3, 4], [5, 6]])).mean(1)
    )
    doubled = start(Twice())
    assert torch.equal(step_of(doubled).objective().losses, plain.losses * 2)
    assert doubled.forwards == 2


def test_hook_backward(start):
    @dataclass(eq=False)
    class Again(Plugin):
        slot = "adversary"

        @hookimpl(wrapper=True)
        def backward(self, step):
            losses = yield
            step.backward(step.objective().losses)
            return losses

    def gradients(*plugins):
        run = start(*plugins)
        step = step_of(run)
        losses = run.hooks.call.backward(step=step)
        assert (losses.shape, losses.requires_grad) == ((3,), False)
        return [parameter.grad for parameter in run.model.parameters()]

    plain, twice = gradients(), gradients(Again())
    assert all(torch.equal(2 * one, two) for one, two in zip(plain, twice, strict=True))
    # The third row weighs nothing, so its words get no gradient.
    assert plain[0].any(1).tolist() == [False, True, True, True, True, False, False]


def test_hook_evaluate(start):
    @dataclass(eq=False)
    class Swap(Plugin):
        @hookimpl(wrapper=True)
        def evaluate(self, run):
            kept = run.step
            run.step = 99
            try:
                return {**(yield), "swapped": float(run.step)}
            finally:
                run.step = kept

    run = start()
    assert run.hooks.call.evaluate(run=run) == {"f1": 0.5}
    swapped = start(Swap())
    assert swapped.hooks.call.evaluate(run=swapped) == {"f1": 0.5, "swapped": 99.0}
    assert swapped.step == 0


def test_hook_augment():
    @dataclass(eq=False)
    class Shout(Plugin):
        @hookimpl(wrapper=True)
        def augment(self, labels, rng):
            texts = yield
            loud = rng("shout").random(len(texts)) < 0.5
            return [t.upper() if up else t for t, up in zip(texts, loud, strict=True)]

    def rng(name):
        return stream(1, name, 0)

    texts = [f"title {number}" for number in range(20)]
    labels = np.zeros(20, np.int64)
    assert Hooks([]).call.augment(texts=texts, labels=labels, rng=rng) == texts
    hooks = Hooks([Shout()])
    loud = hooks.call.augment(texts=texts, labels=labels, rng=rng)
    assert loud == hooks.call.augment(texts=texts, labels=labels, rng=rng) != texts
    assert [text.lower() for text in loud] == texts


# Notices: all run


def notice(hook, **expected):
    """Two plugins that note what a notice gives them; returns what both were given."""
    space = {}
    exec(f"def {hook}(self, {', '.join(expected)}): self.given = locals()", space)
    plugins = []
    for name in ("One", "Two"):
        made = type(name, (Plugin,), {hook: hookimpl(space[hook])})
        plugins.append(dataclass(eq=False)(made)())
    assert getattr(Hooks([]).call, hook)(**expected) == []
    getattr(Hooks(plugins).call, hook)(**expected)
    for plugin in plugins:
        plugin.given.pop("self")
    return [plugin.given for plugin in plugins]


def test_hook_prepare_model():
    given = {"model": Sizes()}
    assert notice("prepare_model", **given) == [given, given]


def test_hook_train_start():
    given = {"run": object()}
    assert notice("train_start", **given) == [given, given]


def test_hook_after_step():
    given = {"run": object(), "stepped": torch.tensor(True)}
    assert notice("after_step", **given) == [given, given]


def test_hook_on_log():
    given = {"run": object(), "record": types.MappingProxyType({"loss": 0.5})}
    assert notice("on_log", **given) == [given, given]


def test_hook_should_stop():
    @dataclass(eq=False)
    class Late(Plugin):
        @hookimpl
        def should_stop(self, run):
            return "late" if run else None

    @dataclass(eq=False)
    class Good(Plugin):
        @hookimpl
        def should_stop(self, metrics):
            return "good enough" if metrics["f1"] > 0.9 else None

    call = Hooks([Late(), Good()]).call
    assert call.should_stop(run=1, metrics={"f1": 0.95}) == ["good enough", "late"]
    assert call.should_stop(run=1, metrics={"f1": 0.5}) == ["late"]
    assert call.should_stop(run=0, metrics={"f1": 0.5}) == []


def test_hook_train_end():
    given = {"run": object()}
    assert notice("train_end", **given) == [given, given]


# What hooks are given


def test_a_run_finds_the_table_and_counts_epochs(start):
    run = start()
    assert run.embedding is run.model.table.weight
    assert run.embedding_module is run.model.table
    run.step = 6
    assert run.epoch == 1.5
    run.steps_per_epoch = 0
    assert run.epoch == 0.0
    run.log("noise", 0.5)
    assert run.logged == {"noise": 0.5}
    assert step_of(run).generator is run.generator
