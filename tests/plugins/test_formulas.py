"""The formulas of the built-in plugins, against hand and against torch."""

from __future__ import annotations

import logging
import math
import types

import pytest
import torch
import torch.nn.functional as F

from titlekit import UsageError
from titlekit.core.encoder import depths
from titlekit.core.hooks.defaults import cross_entropy
from titlekit.core.hooks.registry import create
from titlekit.plugins._attack import along, project
from titlekit.plugins.amp import best_dtype
from titlekit.plugins.focal import focal_loss
from titlekit.plugins.weighted_ce import class_weights, weighted_cross_entropy

CPU = torch.device("cpu")
EXTREME = [[1e4, -1e4], [-1e4, 1e4], [40.0, 0.0], [0.0, 40.0], [0.3, -0.2], [0.0, 0.0]]


def logits_of(*probabilities):
    """Logits of two classes, the first with these probabilities."""
    return torch.tensor([[math.log(p), math.log(1 - p)] for p in probabilities]).double()


def one_hot(labels, classes=2):
    return F.one_hot(torch.tensor(labels), classes).double()


@pytest.fixture
def some():
    torch.manual_seed(0)
    logits, labels = torch.randn(64, 5) * 3, torch.randint(5, (64,))
    return logits, labels, F.one_hot(labels, 5).float()


# Cross-entropy


def test_cross_entropy_is_that_of_torch(some):
    logits, labels, targets = some
    found = cross_entropy(logits, targets)
    assert torch.allclose(found, F.cross_entropy(logits, labels, reduction="none"), atol=1e-6)
    named = create(("cross-entropy", {})).criterion()
    assert torch.equal(named(logits, targets), found)


def test_soft_targets_are_label_smoothing(some):
    logits, labels, targets = some
    smoothed = targets * 0.9 + 0.1 / 5
    expected = F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.1)
    assert torch.allclose(cross_entropy(logits, smoothed), expected, atol=1e-5)
    assert torch.equal(focal_loss(logits, smoothed, 0.0), cross_entropy(logits, smoothed))


# Focal


def test_focal_loss_by_hand():
    # p = 0.9: 0.1^2 * -ln 0.9 = 0.00105361; p = 0.5: 0.25 * ln 2; p = 0.1: 0.81 * ln 10.
    found = focal_loss(logits_of(0.9, 0.5, 0.1), one_hot([0, 0, 0]), 2.0)
    expected = [0.01 * 0.10536051565, 0.25 * 0.69314718056, 0.81 * 2.30258509299]
    assert found.tolist() == pytest.approx(expected, rel=1e-6)


def test_focal_loss_takes_a_factor_or_one_a_class():
    logits, targets = logits_of(0.5, 0.5), one_hot([0, 1])
    plain = 0.25 * math.log(2)
    assert focal_loss(logits, targets, 2.0, 0.25).tolist() == pytest.approx([plain / 4] * 2)
    by_class = focal_loss(logits, targets, 2.0, torch.tensor([1.0, 3.0]))
    assert by_class.tolist() == pytest.approx([plain, 3 * plain])
    without = focal_loss(logits, targets, 0.0, torch.tensor([1.0, 3.0]))
    assert without.tolist() == pytest.approx([math.log(2), 3 * math.log(2)])
    assert focal_loss(logits, targets, 0.0, 2.0).tolist() == pytest.approx([2 * math.log(2)] * 2)


def test_focal_loss_of_soft_targets_is_the_sum_over_classes():
    found = focal_loss(logits_of(0.8), torch.tensor([[0.7, 0.3]]).double(), 2.0)
    by_hand = 0.7 * 0.2**2 * -math.log(0.8) + 0.3 * 0.8**2 * -math.log(0.2)
    assert found.item() == pytest.approx(by_hand, rel=1e-6)


def test_focal_without_focus_is_cross_entropy_bit_for_bit(some):
    logits, _, targets = some
    criterion = create(("focal", {"gamma": 0})).criterion(labels=list("abcde"))
    assert torch.equal(criterion(logits, targets), cross_entropy(logits, targets))
    ones = [one.detach().requires_grad_() for one in (logits, logits)]
    criterion(ones[0], targets).sum().backward()
    cross_entropy(ones[1], targets).sum().backward()
    assert torch.equal(ones[0].grad, ones[1].grad)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [1.0, 0.25, [0.5, 2.0]])
def test_gradient_of_the_focal_loss(gamma, alpha):
    logits = torch.tensor(EXTREME[2:], dtype=torch.float64, requires_grad=True)
    factors = torch.tensor(alpha).double() if isinstance(alpha, list) else alpha
    hard = one_hot([0, 1, 0, 1])
    for targets in (hard, hard * 0.8 + 0.1):
        assert torch.autograd.gradcheck(
            lambda x, t=targets: focal_loss(x, t, gamma, factors), logits
        )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_focal_loss_stays_finite_at_extremes(gamma, dtype):
    logits = torch.tensor(EXTREME, dtype=dtype, requires_grad=True)
    for labels in ([0] * 6, [1] * 6):
        logits.grad = None
        losses = focal_loss(logits, one_hot(labels).to(dtype), gamma)
        losses.sum().backward()
        assert losses.isfinite().all()
        assert (losses >= 0).all()
        assert logits.grad.isfinite().all()


def test_focal_says_how_many_factors_it_needs():
    plugin = create(("focal", {"alpha": [1, 2, 3]}))
    with pytest.raises(UsageError) as error:
        plugin.criterion(labels=["wrong", "correct"])
    assert str(error.value) == (
        "focal.alpha: expected 2 factors, one for each of wrong, correct; got 3"
    )


def test_focal_as_a_plugin_is_the_formula(some):
    logits, _, targets = some
    for alpha, factor in ((None, 1.0), (0.25, 0.25), ([1, 2, 3, 4, 5], torch.arange(1.0, 6))):
        plugin = create(("focal", {"gamma": 1.5, "alpha": alpha}))
        found = plugin.criterion(labels=list("abcde"))(logits, targets)
        assert torch.equal(found, focal_loss(logits, targets, 1.5, factor))
        assert plugin.counts() == {"losses set": 1}


# Weighted cross-entropy


def test_weighted_cross_entropy_is_that_of_torch(some):
    logits, labels, targets = some
    weights = torch.tensor([0.1, 1.0, 2.5, 0.0, 7.0])
    expected = F.cross_entropy(logits, labels, weight=weights, reduction="none")
    assert torch.allclose(weighted_cross_entropy(logits, targets, weights), expected, atol=1e-5)
    ones = torch.ones(5)
    assert torch.equal(
        weighted_cross_entropy(logits, targets, ones), cross_entropy(logits, targets)
    )


@pytest.mark.parametrize(
    ("form", "counts", "weights"),
    [
        ("balanced", [50, 50], [1.0, 1.0]),
        ("balanced", [90, 10], [100 / 180, 5.0]),
        ("balanced", [60, 30, 10], [100 / 180, 100 / 90, 100 / 30]),
        ("sqrt", [90, 10], [5 / 6, 2.5]),
        ("a=1,b=1", [90, 10], [1.0, 1.0]),
        (" b = 3 , a=1", [50, 50], [0.5, 1.5]),
        ("a=0,b=1e3", [90, 10], [0.0, 10.0]),
        ("balanced", [100, 0], [1.0, 100.0]),
    ],
)
def test_class_weights_have_mean_one_over_the_rows(form, counts, weights):
    found = class_weights(form, list("abc")[: len(counts)], counts)
    assert found == pytest.approx(weights, rel=1e-5)
    mean = sum(w * n for w, n in zip(found, counts, strict=True)) / sum(counts)
    assert mean == pytest.approx(1.0)


def test_a_label_may_hold_an_equals_sign():
    assert class_weights("x=1=2,y=2", ["x=1", "y"], [1, 1]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ("evenly", "expected balanced, sqrt or LABEL=WEIGHT,..., got 'evenly'"),
        ("", "expected balanced, sqrt or LABEL=WEIGHT,..., got ''"),
        ("wrong=1,", "expected balanced, sqrt or LABEL=WEIGHT,..., got 'wrong=1,'"),
        (
            "wrong=1,corect=2",
            "no label 'corect'; did you mean 'correct'?  (labels: wrong, correct)",
        ),
        ("wrong=1,zebra=2", "no label 'zebra'  (labels: wrong, correct)"),
        ("wrong=1,correct=x", "correct: expected a number of at least 0, got 'x'"),
        ("wrong=1,correct=-2", "correct: expected a number of at least 0, got '-2'"),
        ("wrong=1,correct=nan", "correct: expected a number of at least 0, got 'nan'"),
        ("wrong=inf,correct=1", "wrong: expected a number of at least 0, got 'inf'"),
        ("wrong=1,wrong=2", "wrong is given twice; give it once"),
        ("wrong=1", "no weight for correct"),
        ("wrong=0,correct=0", "'wrong=0,correct=0' gives every training row the weight 0"),
    ],
)
def test_weights_that_fit_no_label_are_refused(form, sentence):
    plugin = create(("weighted-ce", {"weights": form}))
    with pytest.raises(UsageError) as error:
        plugin.criterion(labels=["wrong", "correct"], class_counts=[3, 1])
    assert str(error.value) == f"weighted-ce.weights: {sentence}"


def test_weighted_ce_as_a_plugin_is_the_formula(some):
    logits, _, targets = some
    criterion = create(("weighted-ce", {})).criterion(list("abcde"), [10, 20, 30, 40, 100])
    weights = torch.tensor(class_weights("balanced", list("abcde"), [10, 20, 30, 40, 100]))
    found = criterion(logits, targets)
    assert torch.equal(found, weighted_cross_entropy(logits, targets, weights))


# Directions of an attack


def test_along_has_the_asked_length_and_direction():
    torch.manual_seed(0)
    gradient = torch.randn(5, 3)
    step = along(gradient, gradient.norm(), 2.0)
    assert step.norm().item() == pytest.approx(2.0, rel=1e-6)
    assert torch.allclose(step / 2, gradient / gradient.norm())
    # A loss scale cancels.
    assert torch.allclose(along(gradient * 65536, (gradient * 65536).norm(), 2.0), step)


@pytest.mark.parametrize("norm", [0.0, float("inf"), float("nan")])
def test_along_goes_nowhere_without_a_usable_norm(norm):
    gradient = torch.tensor([1.0, float("inf"), float("nan"), 0.0])
    assert along(gradient, torch.tensor(norm), 1.0).tolist() == [0.0] * 4


def test_along_decides_row_by_row():
    gradient = torch.tensor([[3.0, 4.0], [0.0, 0.0], [float("nan"), 1.0], [0.0, 2.0]])
    norm = torch.tensor([[5.0], [0.0], [float("nan")], [2.0]])
    expected = [[0.6, 0.8], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]
    assert torch.allclose(along(gradient, norm, 1.0), torch.tensor(expected))


def test_project_shortens_what_is_too_long_and_nothing_else():
    delta = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    norm = delta.norm(dim=1, keepdim=True)
    found = project(delta, norm, 1.0)
    assert torch.allclose(found[0], torch.tensor([0.6, 0.8]))
    assert torch.equal(found[1:], delta[1:])
    assert torch.equal(project(delta, norm, 5.0), delta)
    assert not project(delta, norm, 0.0).any()
    # A rounding error is no excess.
    assert torch.equal(project(delta, norm, 5.0 * (1 - 1e-6)), delta)


@pytest.mark.parametrize(
    ("norm", "expected"), [(0.0, 2.0), (float("inf"), 0.0), (float("nan"), 2.0)]
)
def test_project_never_makes_a_number_worse(norm, expected):
    assert project(torch.tensor([2.0]), torch.tensor(norm), 1.0).tolist() == [expected]


# Precision


def test_the_short_type_of_a_processor(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert best_dtype(CPU) is None
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert best_dtype(CPU) == "bf16"
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert best_dtype(CPU) == "bf16"


@pytest.mark.parametrize(("has", "expected"), [(True, "bf16"), (False, "fp16")])
def test_the_short_type_of_a_gpu(monkeypatch, has, expected):
    asked = []

    def supported(including_emulation):
        asked.append(including_emulation)
        return has

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert best_dtype(torch.device("cuda")) == expected
    assert asked == [False]


def test_a_device_of_another_kind_has_no_short_type():
    assert best_dtype(torch.device("meta")) is None


def test_amp_without_a_short_type_says_that_it_does_nothing(monkeypatch, caplog):
    monkeypatch.setattr("titlekit.plugins.amp.best_dtype", lambda device: None)
    with caplog.at_level(logging.WARNING, "titlekit"):
        plugin = create(("amp", {}))
        assert plugin.precision(CPU).name == "fp32"
    assert [record.getMessage() for record in caplog.records] == [
        "amp does nothing here: this processor has no bfloat16 arithmetic, so the run stays "
        "float32 (--set amp.dtype=bf16 forces it, slower)"
    ]
    assert plugin.counts() == {}


def test_bfloat16_shortens_matrix_products_alone():
    precision = create(("amp", {"dtype": "bf16"})).precision(CPU)
    assert (precision.name, precision.may_skip) == ("bf16", False)
    with precision.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def stepped_once(precision, gradient):
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scaled = precision.scale((weight * torch.tensor(gradient)).sum())
    scaled.backward()
    precision.unscale(optimizer)
    return precision.step(optimizer), weight.tolist()


def test_float16_scales_and_skips_steps_that_overflow():
    precision = create(("amp", {"dtype": "fp16", "init_scale": 8})).precision(CPU)
    assert (precision.name, precision.may_skip, precision.state()["scale"]) == ("fp16", True, 8.0)
    assert precision.scale(torch.tensor(2.0)).item() == 16.0
    stepped, weights = stepped_once(precision, [0.5, -1.0])
    assert (stepped.ndim, bool(stepped), weights) == (0, True, [-0.5, 1.0])
    stepped, weights = stepped_once(precision, [0.5, float("inf")])
    assert (bool(stepped), weights) == (False, [0.0, 0.0])
    state = precision.state()
    assert state["scale"] == 4.0
    again = create(("amp", {"dtype": "fp16"})).precision(CPU)
    again.load_state(state)
    assert again.state() == state


# Layer-wise rates


@pytest.fixture
def model():
    """An encoder of four layers with a pooler and a head."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=11, hidden_size=4, num_hidden_layers=4, num_attention_heads=1,
        intermediate_size=4, max_position_embeddings=8,
    )  # fmt: skip
    return BertForSequenceClassification(config)


def rates_of(model, **options):
    groups = create(("llrd", options)).param_groups(model=model, lr=1.0, weight_decay=0.01)
    rates = {}
    for group in groups:
        decays = not group["name"].endswith(" (no decay)")
        assert group["weight_decay"] == (0.01 if decays else 0.0)
        assert all((parameter.ndim > 1) is decays for parameter in group["params"])
        rates.setdefault(group["name"].removesuffix(" (no decay)"), set()).add(group["lr"])
    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())
    return {name: rate for name, (rate,) in rates.items()}


def test_rates_fall_from_layer_to_layer(model):
    assert rates_of(model, decay=0.5, head_multiplier=10) == {
        "embeddings": 0.0625, "layer 1": 0.125, "layer 2": 0.25, "layer 3": 0.5, "layer 4": 1.0,
        "head": 10.0,
    }  # fmt: skip


def test_llrd_without_decay_changes_no_rate(model):
    assert set(rates_of(model, decay=1).values()) == {1.0}


def test_three_rates_are_for_lower_half_upper_half_and_head(model):
    assert rates_of(model, rates="2e-5:3e-5:5e-5") == {
        "embeddings": 2e-5, "layer 1": 2e-5, "layer 2": 2e-5, "layer 3": 3e-5, "layer 4": 3e-5,
        "head": 5e-5,
    }  # fmt: skip


@pytest.mark.parametrize("rates", ["1e-5", "1e-5:2e-5", "a:b:c", "1e-5:2e-5:3", "nan:0:0", "::"])
def test_rates_that_are_not_three_are_refused(model, rates):
    with pytest.raises(UsageError) as error:
        rates_of(model, rates=rates)
    assert str(error.value) == (
        f"llrd.rates: expected three rates such as 2e-5:3e-5:5e-5, got {rates!r}"
    )


def test_llrd_counts_its_groups(model):
    plugin = create(("llrd", {}))
    for _ in range(2):
        groups = plugin.param_groups(model=model, lr=1.0, weight_decay=0.01)
    assert plugin.counts() == {"groups": len(groups)}


def test_depths_place_every_parameter(model):
    places, layers = depths(model)
    assert layers == 4
    assert list(places) == [name for name, _ in model.named_parameters()]
    for name, place in places.items():
        if ".embeddings." in name:
            assert place == 0
        elif ".layer." in name:
            assert place == int(name.split(".layer.")[1].split(".")[0]) + 1
        else:
            assert place == 5, name


# The moving average


def run_of(model, total_steps=1000, step=0, **more):
    return types.SimpleNamespace(
        model=model, device=CPU, total_steps=total_steps, step=step, **more
    )


def averaged(decay, steps):
    """The average after steps (value of the weight, whether the step was real)."""
    weight = torch.nn.Linear(1, 1, bias=False)
    weight.weight.data.fill_(1.0)
    plugin, run = create(("ema", {"decay": decay})), run_of(weight)
    plugin.train_start(run=run)
    for value, real in steps:
        weight.weight.data.fill_(value)
        plugin.after_step(run=run, stepped=torch.tensor(real))
    return plugin, run


def test_the_average_rises_to_its_decay():
    # d = min(decay, (1 + t) / (10 + t)): 2/11, then 3/12, then 0.26 for ever.
    plugin, _ = averaged(0.26, [(2.0, True), (3.0, True), (4.0, True)])
    first = 2 / 11 * 1 + 9 / 11 * 2
    second = 0.25 * first + 0.75 * 3
    third = 0.26 * second + 0.74 * 4
    assert plugin.average["weight"].item() == pytest.approx(third, rel=1e-6)
    assert plugin.counts() == {"updates": 3}


def test_the_average_moves_only_when_the_weights_did():
    plugin, _ = averaged(0.9, [(2.0, True)])
    skipping, _ = averaged(0.9, [(9.0, False), (2.0, True), (7.0, False)])
    assert torch.equal(plugin.average["weight"], skipping.average["weight"])
    assert (skipping.counts(), skipping.real.item()) == ({"updates": 1}, 1.0)


def test_an_average_without_memory_is_the_newest_weights():
    plugin, _ = averaged(0.0, [(0.1, True), (0.3, True)])
    assert torch.equal(plugin.average["weight"], torch.tensor([[0.3]]))


@pytest.mark.parametrize("fails", [False, True])
def test_the_average_stands_in_for_an_evaluation(fails):
    plugin, run = averaged(0.9, [(2.0, True)])
    inside = plugin.evaluate(run=run)
    next(inside)
    assert torch.equal(run.model.weight, plugin.average["weight"])
    end = ZeroDivisionError if fails else StopIteration
    with pytest.raises(end):
        inside.throw(ZeroDivisionError) if fails else inside.send({"f1": 1.0})
    assert run.model.weight.item() == 2.0


def test_a_saved_average_goes_on():
    steps = [(2.0, True), (3.0, True)]
    whole, _ = averaged(0.9, steps)
    first, run = averaged(0.9, steps[:1])
    again = create(("ema", {"decay": 0.9}))
    again.load_state_dict(first.state_dict())
    run.step = 1
    again.train_start(run=run)
    run.model.weight.data.fill_(3.0)
    again.after_step(run=run, stepped=torch.tensor(True))
    assert torch.equal(again.average["weight"], whole.average["weight"])


@pytest.mark.parametrize(("decay", "steps", "warned"), [(0.99, 99, True), (0.99, 101, False)])
def test_an_average_longer_than_the_run_is_warned_about(caplog, decay, steps, warned):
    with caplog.at_level(logging.WARNING, "titlekit"):
        plugin = create(("ema", {"decay": decay}))
        plugin.train_start(run=run_of(torch.nn.Linear(1, 1), steps))
    text = "ema(decay=0.99) averages over about 100 steps, more than this run's 99; lower ema.decay"
    assert [record.getMessage() for record in caplog.records] == [text] * warned


# Early stopping


@pytest.mark.parametrize(
    ("since", "best", "stops"), [(2, 0.5, False), (3, 0.5, True), (3, None, False)]
)
def test_early_stopping_reads_how_long_ago_the_best_was(since, best, stops):
    plugin = create(("early-stopping", {"patience": 3}))
    run = types.SimpleNamespace(evaluations_since_best=since, best=best, metric="f1")
    reason = plugin.should_stop(run=run, metrics={})
    assert reason == ("f1 not better than 0.5000 for 3 evaluations" if stops else None)
    assert plugin.counts() == {"evaluations watched": 1}
