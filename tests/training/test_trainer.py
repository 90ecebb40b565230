"""The loop: division, clipping, warm-up, best weights, faults; and exact continuation."""

from __future__ import annotations

import copy
import functools
import logging

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from steps import (
    NAMES,
    equal,
    gradients,
    largest_difference,
    plugins,
    random_rows,
    small_model,
    small_trainer,
    weights_of,
)
from titlekit import Plugin, RunError, TrainConfig, Trainer, UsageError, hookimpl
from titlekit.core.data.tokens import Examples
from titlekit.core.errors import InterruptedRun
from titlekit.core.training import checkpoint, metrics, state
from titlekit.core.training.optim import clip
from titlekit.core.training.rehearsal import VARIANTS, variants


def test_the_whole_loop_equals_a_plain_one():
    trainer = small_trainer(max_grad_norm=0.5, weight_decay=0.1, epochs=1.0, valid=None)
    batches = [trainer.feed.batch(step) for step in range(3)]
    trainer.fit()

    model, rows = small_model().train(), random_rows()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=1e-3,
    )
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (3 - step) / 3  # no warm-up in so few steps
        inputs = {k: torch.from_numpy(v) for k, v in rows.tokens.padded(batch).items()}
        loss = cross_entropy(model(**inputs).logits, torch.from_numpy(rows.labels[batch]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    assert largest_difference(weights_of(trainer.run.model), weights_of(model)) < 1e-6


def test_a_row_of_weight_zero_is_not_there():
    weights = np.ones(24, np.float32)
    weights[[1, 5]] = 0
    found = gradients(small_trainer(weights=weights), [0, 1, 2, 5, 7])
    assert largest_difference(found, gradients(small_trainer(), [0, 2, 7])) < 1e-6


def test_clip_is_torchs_and_returns_the_norm_before():
    parameters = [torch.nn.Parameter(torch.zeros(3)) for _ in range(2)]
    for parameter in parameters:
        parameter.grad = torch.full((3,), 2.0)
    assert float(clip(parameters, 1.0)) == pytest.approx(24**0.5)
    total = torch.cat([p.grad for p in parameters]).norm()
    assert float(total) == pytest.approx(1.0, abs=1e-5)
    assert float(clip(parameters, 0.0)) == pytest.approx(1.0, abs=1e-5)


def test_warm_up_rises_and_the_rate_falls_to_nothing():
    trainer = small_trainer(epochs=4.0, warmup_steps=3, valid=None)
    rates = []
    for step in range(12):
        trainer.optimizer_step(trainer.feed.batch(step))
        rates.append(trainer.run.optimizer.param_groups[0]["lr"] / 1e-3)
    assert rates[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert rates[4:] == pytest.approx([(12 - step) / 9 for step in range(4, 12)])


def test_the_best_weights_are_the_ones_kept():
    trainer, kept = small_trainer(min_delta=0.9), {}  # no gain after the first is large enough
    trainer.on_record = lambda record: kept.update({record["step"]: weights_of(trainer.run.model)})
    run = trainer.fit()
    assert 0 < run.best_step < run.total_steps
    assert equal(weights_of(run.model), kept[run.best_step])
    assert not run.model.training


def test_best_weights_wait_in_the_folder(tmp_path):
    memory, disk = small_trainer(lr=0.05), small_trainer(lr=0.05, folder=tmp_path)
    memory.fit()
    disk.fit(lambda: disk.best.forget_all_but(disk.run.best_step))
    assert equal(weights_of(memory.run.model), weights_of(disk.run.model))
    assert [p.name for p in tmp_path.iterdir()] == [f"best-{disk.run.best_step}.safetensors"]


def test_without_validation_the_last_weights_are_kept_and_averaged_by_ema():
    plain, averaged = small_trainer(valid=None), small_trainer("ema(decay=0.5)", valid=None)
    plain.fit()
    averaged.fit()
    assert plain.run.best is None
    (ema,) = averaged.hooks.plugins
    kept = weights_of(averaged.run.model)
    assert all(torch.equal(kept[name], value) for name, value in ema.average.items())


@pytest.mark.parametrize(
    ("spelling", "forwards"), [("fgm,ema", 12), ("awp(start=0.5,every=2),swa(start=0.5)", 7)]
)
def test_the_rehearsal_leaves_no_trace(spelling, forwards):
    one, other = small_trainer(spelling, dropout=0.1), small_trainer(spelling, dropout=0.1)
    other._rehearse = lambda: None
    one.fit()
    other.fit()
    assert equal(weights_of(one.run.model), weights_of(other.run.model))
    assert one.run.forwards == other.run.forwards == forwards
    assert [p.counts() for p in one.hooks.plugins] == [p.counts() for p in other.hooks.plugins]


@pytest.mark.parametrize("options", ["start=0.5", "start=0.5,every=3", "every=5"])
def test_the_rehearsal_tries_the_step_that_takes_most_memory(options):
    trainer = small_trainer(f"awp({options}),swa(start=0.8)")
    whole, clean = trainer.run.model_forward, weights_of(trainer.run.model)

    def without_room_for_a_copy(inputs):
        if not equal(weights_of(trainer.run.model), clean):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(inputs)

    trainer.run.model_forward = without_room_for_a_copy
    with pytest.raises(RunError, match="memory ran out on 8 rows"):
        trainer.fit()
    assert trainer.run.step == 0
    assert equal(weights_of(trainer.run.model), clean)


def test_the_variants_of_a_step_are_those_of_all_plugins_together():
    trainer = small_trainer("fgm(every=2),swa(start=0,every=3)")
    trainer.hooks.call.train_start(run=trainer.run)
    assert trainer.run.total_steps == 6  # attacked 0, 2, 4; taken 2, 5
    assert variants(trainer) == {0: 2 / 6, 1: 2 / 6, 2: 1 / 6, 5: 1 / 6}
    assert variants(small_trainer("focal")) == {0: 1.0}

    class Different(Plugin):
        """No step is like another."""

        def phase(self, number):
            return number

    assert len(variants(small_trainer(made=[Different()], epochs=9.0))) == VARIANTS


EXACT = [
    "",
    "ema(decay=0.9),fgm,early-stopping(patience=50)",
    "focal,pgd(steps=2),llrd,amp(dtype='fp16',init_scale=1e7)",
    "weighted-ce,fgm(at='inputs',every=2),ema,amp(dtype='bf16')",
]


@functools.cache
def uninterrupted(spelling):
    trainer, records = small_trainer(spelling, dropout=0.1), []
    trainer.on_record = records.append
    trainer.fit()
    return trainer, records


@pytest.mark.parametrize("spelling", EXACT)
@pytest.mark.parametrize("stop_at", [1, 4, 5])
def test_a_saved_state_continues_bit_for_bit(spelling, stop_at, tmp_path):
    whole, records = uninterrupted(spelling)
    first, found = small_trainer(spelling, folder=tmp_path, dropout=0.1), []
    first.on_record = found.append
    path = tmp_path / "last.safetensors"
    step, original = 0, first.optimizer_step

    def counted(rows):
        nonlocal step
        original(rows)
        step += 1
        if step == stop_at:
            first.stop_signal = 15

    first.optimizer_step = counted
    with pytest.raises(InterruptedRun, match=f"stopped at step {stop_at}") as caught:
        first.fit(lambda: checkpoint.save(path, state.state_dict(first)))
    assert caught.value.exit_code == 143

    torch.manual_seed(999)  # a new process has other streams
    second = small_trainer(spelling, folder=tmp_path, dropout=0.1)
    state.load_state_dict(second, checkpoint.load(path))
    second.on_record = found.append
    second.fit()
    assert equal(weights_of(whole.run.model), weights_of(second.run.model))
    assert whole.run.best_metrics == second.run.best_metrics
    assert found == records
    for one, other in zip(whole.hooks.plugins, second.hooks.plugins, strict=True):
        assert one.counts() == other.counts()


def test_a_state_of_other_plugins_is_refused(tmp_path):
    saved = state.state_dict(small_trainer("focal,ema"))
    with pytest.raises(UsageError) as error:
        state.load_state_dict(small_trainer("focal"), saved)
    assert str(error.value) == "the state was saved with the plugins ema, focal, not focal"


def test_pack_gives_back_what_it_was_given(tmp_path):
    tied = torch.arange(4.0)
    value = {
        "a": [1, 2.5, None, True, "x"], 3: (tied, {"b": tied[:2]}), "empty": {},
        "zero": torch.tensor(7), "list": [],
    }  # fmt: skip
    checkpoint.save(tmp_path / "s.safetensors", value)
    found = checkpoint.load(tmp_path / "s.safetensors")
    assert found["a"] == value["a"]
    assert isinstance(found[3], tuple)
    assert torch.equal(found[3][0], tied)
    assert torch.equal(found[3][1]["b"], tied[:2])
    assert int(found["zero"]) == 7
    assert found["list"] == []
    with pytest.raises(TypeError, match="not set"):
        checkpoint.save(tmp_path / "t.safetensors", {"a": {1}})
    assert not (tmp_path / "t.safetensors").exists()


def test_something_else_is_not_a_state(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"nonsense")
    with pytest.raises(UsageError, match="is not a state that titlekit saved"):
        checkpoint.load(path)


# What an exception leaves.


def hooks_on(model):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)


class Fails(Plugin):
    """Raises in one of its hooks."""

    def __init__(self, hook):
        self.hook, self.calls = hook, 0

    def called(self, hook, last=1):
        if hook == self.hook:
            self.calls += 1
            if self.calls == last:
                raise ZeroDivisionError(hook)

    @hookimpl
    def train_start(self):
        self.called("train_start")

    @hookimpl(wrapper=True)
    def objective(self):
        output = yield
        self.called("objective")
        return output

    @hookimpl
    def after_step(self):
        self.called("after_step", 2)

    @hookimpl(wrapper=True)
    def evaluate(self):
        metrics = yield
        self.called("evaluate", 2)
        return metrics

    @hookimpl
    def train_end(self):
        self.called("train_end")


@pytest.mark.parametrize(
    "hook", ["train_start", "objective", "after_step", "evaluate", "train_end"]
)
def test_an_exception_leaves_no_hook_on_the_model(hook):
    trainer = small_trainer(made=[Fails(hook)])
    assert hooks_on(trainer.run.model) == 1  # core's own
    with pytest.raises(ZeroDivisionError, match=hook):
        trainer.fit()
    assert hooks_on(trainer.run.model) == 0


def test_an_interruption_leaves_no_hook_on_the_model():
    trainer = small_trainer()
    trainer.stop_signal = 2
    with pytest.raises(InterruptedRun):
        trainer.fit()
    assert hooks_on(trainer.run.model) == 0


# The metric that chooses.


def measured(values, spelling="", **options):
    """A trainer whose metric takes these values, one after the other, and the weights at each."""
    trainer, seen, left = small_trainer(spelling, metric="neg_log_loss", **options), [], [*values]
    trainer._measure = lambda probabilities, labels: left.pop(0)
    keep = trainer.run.evaluate_here

    def evaluate():
        seen.append(weights_of(trainer.run.model))
        return keep()

    trainer.run.evaluate_here = evaluate
    return trainer, seen


NEVER = (
    "neg_log_loss was not a number in any evaluation, so none was the best and the last weights "
    "are kept; choose another --metric, or validation rows for which it is defined"
)


def test_a_metric_that_is_never_a_number_keeps_the_last_weights_and_is_told(caplog, tmp_path):
    nan = float("nan")
    plugin = "early-stopping(patience=1)"
    trainer, seen = measured([nan] * 4, plugin, folder=tmp_path)
    caplog.set_level(logging.INFO, "titlekit")
    run = trainer.fit()
    assert equal(weights_of(run.model), seen[-1])
    assert not equal(seen[-1], seen[0])
    assert (run.step, run.best, run.best_step, run.evaluations_since_best) == (6, None, 6, 0)
    assert run.stop_reasons == []  # nothing says that it did not become better
    assert caplog.messages.count(NEVER) == 1
    assert "(best)" not in caplog.text


@pytest.mark.parametrize(
    ("values", "best", "step"),
    [("nan 0.2 nan 0.1", 0.2, 3), ("nan nan nan 0.1", 0.1, 6), ("0.2 nan nan nan", 0.2, 2)],
)
def test_a_number_is_better_than_none(values, best, step, caplog):
    trainer, seen = measured(map(float, values.split()), min_delta=0.5)
    run = trainer.fit()
    assert (run.best, run.best_step) == (best, step)
    assert equal(weights_of(run.model), seen[values.split().index(str(best))])
    assert NEVER not in caplog.messages


def test_a_metric_without_its_class_is_never_a_number(caplog):
    rows = random_rows(20, seed=2)
    alone = Examples(rows.tokens, np.zeros_like(rows.labels))
    run = small_trainer(valid=alone, metric="roc_auc").fit()
    assert (run.best, run.best_step) == (None, 6)
    assert caplog.messages[-1] == NEVER.replace("neg_log_loss", "roc_auc")


@pytest.mark.parametrize(("metric", "times"), [("macro_f1", 1), ("neg_log_loss", 1)])
def test_an_evaluation_computes_its_metrics_once(metric, times, monkeypatch):
    calls = []
    counted = metrics._counted
    monkeypatch.setattr(metrics, "_counted", lambda *given: calls.append(1) or counted(*given))
    trainer = small_trainer(metric=metric)
    found = trainer.run.evaluate_here()
    assert len(calls) == times
    assert trainer.run.best == found[metric] == trainer.run.best_metrics[metric]


# Faults that are told.


class Nan(Plugin):
    """A loss that is not a number from the second step on."""

    slot = "loss"

    @hookimpl
    def criterion(self):
        calls = []

        def loss(logits, targets):
            calls.append(1)
            return logits.sum(-1) * (float("nan") if len(calls) > 2 else 1.0)

        return loss


def test_a_nan_loss_stops_the_run_at_once():
    trainer = small_trainer(made=[Nan()], eval_every=0.3)
    with pytest.raises(RunError) as error:
        trainer.fit()
    assert str(error.value) == (
        "the loss is nan at step 2, so the weights are lost from here on (the best weights so far "
        "are those of step 1); try a lower --lr, --max-grad-norm 1, a longer --warmup-ratio"
    )


def test_one_class_for_all_is_told(caplog):
    trainer = small_trainer(lr=1e-9, epochs=10.0)
    trainer.run.model.classifier.bias.data[0] = 9.0
    trainer.fit()
    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(told) == 1  # once, not at every evaluation
    assert told[0].startswith("step 20: every one of the 20 validation rows is answered 'a'")


def test_a_scaler_that_keeps_skipping_is_told(caplog):
    trainer = small_trainer("amp(dtype='fp16',init_scale=1e30)", epochs=5.0)
    trainer.fit()
    told = [r.getMessage() for r in caplog.records if "skipped" in r.getMessage()]
    assert told == [
        "10 steps running were skipped because gradients overflow in fp16: nothing is learnt; try "
        "--set amp.dtype=bf16, a lower --lr, or train without amp"
    ]


# Wrong results of plugins are refused with the plugin's name.


def refused(made) -> str:
    with pytest.raises(UsageError) as error:
        small_trainer(made=[made]).fit()
    return str(error.value)


def test_hook_criterion_must_give_one_loss_a_row():
    class Mean(Plugin):
        """An averaged loss."""

        slot = "loss"

        @hookimpl
        def criterion(self):
            return lambda logits, targets: (logits * targets).mean()

    assert refused(Mean()) == (
        "mean: the criterion returned shape (), expected one loss a row: (8,)"
    )


def test_hook_schedule_must_have_a_factor_for_each_step():
    class Short(Plugin):
        """A short table."""

        slot = "schedule"

        @hookimpl
        def schedule(self, total_steps):
            return [1.0] * total_steps

    assert refused(Short()) == (
        "short: the schedule has 6 factors, expected one for each of 6 steps and one more"
    )


def test_hook_sampling_must_name_rows_and_keep_its_count():
    class Outside(Plugin):
        """Rows that are not there."""

        slot = "sampling"
        rows = 99

        @hookimpl
        def sampling(self, labels, rng):
            return np.arange(20, 20 + self.rows)

    assert refused(Outside()) == "outside: sampling returned a row outside 0 to 23"

    class Shrinking(Plugin):
        """Fewer rows in every epoch."""

        slot = "sampling"

        def __init__(self):
            self.calls = 0

        @hookimpl
        def sampling(self, labels, rng):
            self.calls += 1
            return np.arange(24 - self.calls)

    assert "sampling returned 2" in refused(Shrinking())


def test_hook_param_groups_must_hold_every_parameter_once():
    class Headless(Plugin):
        """Forgets the head."""

        slot = "groups"

        @hookimpl
        def param_groups(self, model, lr, weight_decay):
            inside = list(model.bert.parameters())
            return [{"params": inside, "lr": lr, "weight_decay": 0.0, "name": "bert"}]

    assert refused(Headless()) == (
        "headless leaves out classifier.weight and 1 more: every parameter needs a group"
    )


def test_hook_optimizer_is_used():
    class Sgd(Plugin):
        """Plain gradient descent."""

        slot = "optimizer"

        @hookimpl
        def optimizer(self, groups, lr):
            return torch.optim.SGD(groups, lr=lr)

    trainer = small_trainer(made=[Sgd()])
    trainer.fit()
    assert isinstance(trainer.run.optimizer, torch.optim.SGD)


def test_hook_augment_gets_training_texts_and_a_stream():
    class Upper(Plugin):
        """Capitals."""

        seen = []

        @hookimpl(wrapper=True)
        def augment(self, texts, labels, rng):
            texts = yield
            self.count("texts", len(texts))
            self.seen.append((len(texts), len(labels), int(rng("upper").integers(1 << 30))))
            return [text.upper() for text in texts]

    rows = random_rows()
    encoded = []
    rows = copy.copy(rows)
    object.__setattr__(rows, "texts", [f"row {i}" for i in range(24)])
    object.__setattr__(rows, "encode", lambda texts: encoded.append(list(texts)) or rows.tokens)
    trainer = Trainer(
        small_model(), rows, None, labels=NAMES, plugins=[Upper()],
        config=TrainConfig(batch_size=8, epochs=2.0),
    )  # fmt: skip
    trainer.fit()
    assert encoded == [[f"ROW {i}" for i in range(24)]] * 2
    assert trainer.hooks.plugins[0].counts() == {"texts": 48}  # the rehearsal takes none away
    first, second = Upper.seen
    assert first[:2] == (24, 24)
    assert first[2] != second[2]  # another stream in another epoch


def test_hooks_fire_in_the_order_that_the_contract_page_draws():
    transcript = []

    class Log(Plugin):
        """Writes down what fires."""

        @hookimpl
        def prepare_model(self, model):
            transcript.append("prepare_model")

        @hookimpl
        def train_start(self, run):
            transcript.append("train_start")

        @hookimpl(wrapper=True)
        def targets(self, labels):
            transcript.append("targets")
            return (yield)

        @hookimpl(wrapper=True)
        def objective(self, step):
            transcript.append("objective")
            return (yield)

        @hookimpl
        def after_step(self, run, stepped):
            assert bool(stepped)
            transcript.append("after_step")

        @hookimpl(wrapper=True)
        def evaluate(self, run):
            transcript.append("evaluate")
            return (yield)

        @hookimpl
        def should_stop(self, run, metrics):
            transcript.append("should_stop")
            return "enough" if run.step >= 4 else None

        @hookimpl
        def on_log(self, run, record):
            transcript.append("on_log")

        @hookimpl
        def train_end(self, run):
            assert not run.model.training
            transcript.append("train_end")

    trainer = small_trainer(made=[Log()], grad_accum=2)
    trainer._rehearse = lambda: None
    run = trainer.fit()
    step = ["targets", "objective", "targets", "objective", "after_step"]
    evaluation = ["evaluate", "should_stop", "on_log"]
    assert transcript == [
        "prepare_model", "train_start", *step, *step, *evaluation, *step, *evaluation, *step,
        *evaluation, "train_end",
    ]  # fmt: skip
    assert run.stop_reasons == ["enough"]


def test_what_a_step_shows_a_plugin():
    seen = []

    class Look(Plugin):
        """Looks at a step."""

        @hookimpl(wrapper=True)
        def objective(self, step):
            output = yield
            seen.append((step, output))
            return output

    weights = np.linspace(0.5, 1.5, 24).astype(np.float32)
    trainer = small_trainer(made=[Look()], weights=weights, grad_accum=2)
    rows = trainer.feed.batch(0)
    trainer.backward(rows)
    (step, output), (second, _) = seen
    assert step.rows.tolist() + second.rows.tolist() == rows.tolist()
    assert step.labels.tolist() == random_rows().labels[rows[:4]].tolist()
    assert step.targets.shape == (4, 3)
    assert step.targets.argmax(1).tolist() == step.labels.tolist()
    assert step.weights.tolist() == pytest.approx(weights[rows[:4]])
    assert step.total_weight == pytest.approx(float(weights[rows].sum()))
    assert step.inputs["input_ids"].shape == step.row_of_token.shape
    assert output.losses.shape == (4,)
    assert output.logits.shape == (4, 3)
    assert output.logits.dtype == torch.float32
    assert output.features.shape == (4, 16)
    head = trainer.run.model.classifier
    assert torch.allclose(head(output.features), output.logits, atol=1e-6)
    assert step.generator is trainer.run.generator
    assert plugins("focal")[0].name == "focal"
