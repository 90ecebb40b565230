"""From plugins to hooks: conflicts, what a plugin may not write, and one order for all listings."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from titlekit import Plugin, UsageError, hookimpl
from titlekit.core.hooks.assembly import HOOKS, Hooks, implementations, verify_groups
from titlekit.core.hooks.registry import create
from titlekit.core.hooks.spelling import parse


def plugins(text):
    return [create(call) for call in parse(text)]


def made(name, slot=None, **methods):
    """Return a plugin of a class written on the spot."""
    return dataclass(eq=False)(type(name, (Plugin,), {"slot": slot, **methods}))()


def refusal(*given):
    with pytest.raises(UsageError) as error:
        Hooks(given)
    return str(error.value)


# Conflicts


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        (
            "focal,weighted-ce,fgm,amp",
            "focal and weighted-ce both fill the slot loss; keep one (fgm, amp are fine)",
        ),
        (
            "amp,weighted-ce,focal",
            "weighted-ce and focal both fill the slot loss; keep one (amp is fine)",
        ),
        ("fgm,pgd", "fgm and pgd both fill the slot adversary; keep one"),
        ("ema,swa", "ema and swa both fill the slot average; keep one"),
        (
            "focal,cross-entropy,weighted-ce",
            "focal and cross-entropy and weighted-ce all fill the slot loss; keep one",
        ),
    ],
)
def test_two_plugins_for_one_slot_are_named_as_listed(listed, sentence):
    assert refusal(*plugins(listed)) == sentence


def test_a_plugin_given_twice_is_refused():
    assert refusal(*plugins("ema"), *plugins("ema(decay=0.5)")) == (
        "the plugin ema is given twice; give it once"
    )


def test_the_name_of_core_is_taken():
    assert refusal(made("Core")) == "no plugin can be named 'core': that is titlekit's own part"


def test_an_unknown_slot_offers_the_nearest():
    assert refusal(made("Mine", slot="losses")) == (
        "mine: no slot named 'losses'; did you mean 'loss'?  (slots: loss, groups, optimizer, "
        "schedule, precision, sampling, adversary, average)"
    )


# What a plugin may not write


def test_a_misspelt_hook_offers_the_nearest():
    @hookimpl
    def after_steps(self, run):
        pass

    assert refusal(made("Mine", after_steps=after_steps)) == (
        "mine implements the unknown hook 'after_steps'; did you mean 'after_step'?  (hooks: "
        "criterion, param_groups, optimizer, schedule, precision, sampling, targets, objective, "
        "backward, evaluate, augment, prepare_model, train_start, after_step, on_log, "
        "should_stop, train_end)"
    )


def test_an_argument_that_the_hook_has_not_is_refused():
    @hookimpl
    def after_step(self, run, step):
        pass

    assert refusal(made("Mine", after_step=after_step)) == (
        "mine.after_step: the hook has no argument 'step'; did you mean 'stepped'?  "
        "(arguments: run, stepped)"
    )


def test_any_number_of_arguments_is_refused():
    @hookimpl
    def train_end(self, **more):
        pass

    assert refusal(made("Mine", train_end=train_end)) == (
        "mine.train_end: the hook has no argument 'more'  (arguments: run)"
    )


def test_an_argument_with_a_default_is_refused():
    @hookimpl
    def after_step(self, run, stepped=None):
        pass

    assert refusal(made("Mine", after_step=after_step)) == (
        "mine.after_step: the argument 'stepped' has a default; remove it"
    )


@pytest.mark.parametrize("order", ["tryfirst", "trylast"])
def test_no_plugin_orders_itself(order):
    @hookimpl(**{order: True})
    def train_end(self, run):
        pass

    assert refusal(made("Mine", train_end=train_end)) == (
        "mine.train_end: tryfirst and trylast are core's; plugins are ordered by slot and name"
    )


@pytest.mark.parametrize("slot", [None, "adversary"])
def test_a_slot_hook_needs_its_slot(slot):
    @hookimpl
    def criterion(self):
        pass

    assert refusal(made("Mine", slot=slot, criterion=criterion)) == (
        f"mine implements criterion but its slot is {slot!r}; write slot = 'loss'"
    )


def test_the_backward_pipe_is_for_adversaries():
    @hookimpl(wrapper=True)
    def backward(self, step):
        return (yield)

    assert refusal(made("Mine", backward=backward)) == (
        "mine implements backward but its slot is None; write slot = 'adversary'"
    )


def test_a_pipe_is_wrapped_not_answered():
    def plain(self, run):
        return {}

    def yields(self, run):
        return (yield)

    sentence = "mine.evaluate: evaluate is a pipe; write @hookimpl(wrapper=True) and yield"
    for method in (
        hookimpl(plain),
        hookimpl(yields),
        hookimpl(wrapper=True)(plain),
        hookimpl(hookwrapper=True)(yields),
    ):
        assert refusal(made("Mine", evaluate=method)) == sentence


def test_a_slot_is_answered_not_wrapped():
    def criterion(self):
        return (yield)

    sentence = "mine.criterion: criterion is a slot; write @hookimpl alone and do not yield"
    for mark in (hookimpl, hookimpl(wrapper=True), hookimpl(hookwrapper=True)):
        assert refusal(made("Mine", slot="loss", criterion=mark(criterion))) == sentence


def test_a_notice_is_not_wrapped():
    @hookimpl(wrapper=True)
    def train_end(self, run):
        return (yield)

    assert refusal(made("Mine", train_end=train_end)) == (
        "mine.train_end: train_end is a notice; write @hookimpl alone and do not yield"
    )


def test_a_method_of_another_name_is_checked_and_runs():
    calls = []

    @hookimpl(specname="train_end")
    def finish(self, run):
        calls.append(run)

    plugin = made("Mine", finish=finish)
    assert implementations(plugin)["train_end"]["method"] == "finish"
    Hooks([plugin]).call.train_end(run="the run")
    assert calls == ["the run"]

    @hookimpl(specname="train_end")
    def broken(self, walk):
        pass

    assert refusal(made("Mine", broken=broken)).startswith("mine.train_end: the hook has no arg")


def test_implementations_are_what_is_marked():
    found = {
        name: sorted(implementations(create((name, {}))))
        for name in ("ema", "fgm", "early-stopping", "llrd", "amp")
    }
    assert found == {
        "ema": ["after_step", "evaluate", "train_start"],
        "fgm": ["backward"],
        "early-stopping": ["should_stop"],
        "llrd": ["param_groups"],
        "amp": ["precision"],
    }
    assert implementations(Plugin) == {}


# One order


def tracer(name, slot, calls, hook="backward", argument="step"):
    """Return a plugin that writes its name before and after the inner part of a pipe."""
    code = (
        f"def {hook}(self, {argument}):\n"
        f"    calls.append('{name} in')\n"
        f"    result = yield\n"
        f"    calls.append('{name} out')\n"
        f"    return [*result, '{name}']\n"
    )
    space = {"calls": calls}
    exec(code, space)
    return made(name, slot=slot, **{hook: hookimpl(wrapper=True)(space[hook])})


def test_call_order_is_the_same_for_every_listing():
    seen = set()
    for listing in itertools.permutations(["Zeta", "Alpha", "Loss", "Mid"]):
        calls = []
        given = [
            tracer(name, "loss" if name == "Loss" else None, calls, "augment", "texts")
            for name in listing
        ]
        hooks = Hooks(given)
        result = hooks.call.augment(texts=["core"], labels=None, rng=None)
        seen.add((tuple(result), tuple(calls), tuple(hooks.order("augment"))))
    # Slots first, then by name; the first is outermost, core's own answer innermost.
    order = ["loss", "alpha", "mid", "zeta"]
    ins = [f"{name.capitalize()} in" for name in order]
    outs = [f"{name.capitalize()} out" for name in reversed(order)]
    result = ("core", "Zeta", "Mid", "Alpha", "Loss")
    assert seen == {(result, (*ins, *outs), (*order, "core"))}


def test_real_plugins_have_one_order_for_every_listing():
    given = plugins("focal,fgm,amp,ema")
    orders = {
        tuple(tuple(hooks.order(hook)) for hook in HOOKS)
        for hooks in map(Hooks, itertools.permutations(given))
    }
    assert len(orders) == 1
    by_hook = dict(zip(HOOKS, orders.pop(), strict=True))
    assert by_hook["criterion"] == ("focal",)
    assert by_hook["backward"] == ("fgm", "core")
    assert by_hook["evaluate"] == ("ema", "core")
    assert by_hook["sampling"] == ("core",)


def test_notices_run_in_the_order_of_names():
    for names in itertools.permutations(["Gamma", "Beta", "Alpha"]):
        calls, given = [], []
        for name in names:
            space = {"calls": calls}
            exec("def train_end(self, run): calls.append(self.name)", space)
            given.append(made(name, train_end=hookimpl(space["train_end"])))
        Hooks(given).call.train_end(run=None)
        assert calls == ["alpha", "beta", "gamma"]


def test_what_hooks_say_of_their_plugins():
    hooks = Hooks(plugins("pgd(steps=2),focal,ema"))
    assert [plugin.name for plugin in hooks.plugins] == ["focal", "pgd", "ema"]
    assert hooks.owner("loss") == "focal"
    assert hooks.owner("precision") == "core"
    assert hooks.wrapped("backward")
    assert not hooks.wrapped("augment")
    assert hooks.passes() == 3.0
    assert Hooks([]).passes() == 1.0


# Groups


@pytest.fixture
def model():
    from torch import nn

    return nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))


def group_refusal(groups, model):
    with pytest.raises(UsageError) as error:
        verify_groups(groups, model, "mine")
    return str(error.value)


def test_groups_that_hold_every_parameter_once_pass(model):
    frozen = model[0].bias.requires_grad_(False)
    trained = [p for p in model.parameters() if p is not frozen]
    verify_groups([{"params": trained[:1]}, {"params": trained[1:]}], model, "mine")


def test_a_parameter_in_two_groups_is_named(model):
    all_ = list(model.parameters())
    assert group_refusal([{"params": all_}, {"params": [model[1].bias]}], model) == (
        "mine: the parameter 1.bias stands in two groups"
    )


def test_parameters_left_out_are_named(model):
    some = [model[0].weight, model[1].weight, model[1].bias]
    assert group_refusal([{"params": some}], model) == (
        "mine leaves out 0.bias: every parameter needs a group"
    )
    assert group_refusal([{"params": some[:1]}], model) == (
        "mine leaves out 0.bias and 2 more: every parameter needs a group"
    )


def test_a_model_with_nothing_to_train_is_refused(model):
    model.requires_grad_(False)
    assert group_refusal([], model) == "mine: no parameter is left to train"


class Silent(Plugin):
    """Fills a slot and says nothing."""

    slot = "loss"

    @hookimpl
    def criterion(self):
        pass


class Lost(Plugin):
    """A wrapper that forgets to return."""

    @hookimpl(wrapper=True)
    def targets(self, labels):
        yield


@pytest.mark.parametrize(
    ("plugin", "hook", "message"),
    [
        (Silent, "criterion", "silent: criterion returned nothing; end it with return"),
        (Lost, "targets", "lost: targets returned nothing; end it with return"),
    ],
)
def test_an_empty_answer_names_the_plugin(plugin, hook, message):
    import torch

    arguments = {
        "criterion": {"labels": ["a", "b"], "class_counts": [1, 1]},
        "targets": {"labels": torch.tensor([0]), "num_classes": 2, "soft": None},
    }
    with pytest.raises(UsageError) as error:
        getattr(Hooks([plugin()]).call, hook)(**arguments[hook])
    assert str(error.value) == message


def test_options_given_in_python_are_checked_too():
    from titlekit.plugins.focal import Focal

    with pytest.raises(UsageError) as error:
        Hooks([Focal(gamma=-1)])
    assert str(error.value) == "focal.gamma: expected a number of at least 0, got -1"
