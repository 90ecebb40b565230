"""freeze, time-limit, word-noise, balanced-sampler and checkpointing."""

from __future__ import annotations

import csv
import json
import signal
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from console import write_table
from steps import (
    NAMES,
    gradients,
    largest_difference,
    plugins,
    random_rows,
    small_model,
    small_trainer,
    weights_of,
)
from titlekit import Plugin, Trainer, UsageError, hookimpl, train
from titlekit.core.data.plans import stream
from titlekit.core.encoder import depths
from titlekit.core.hooks.assembly import Hooks
from titlekit.core.hooks.registry import create
from titlekit.core.session import resume
from titlekit.core.training import checkpoint, state
from titlekit.plugins.balanced_sampler import balanced_rows
from titlekit.plugins.time_limit import TimeLimit
from titlekit.plugins.word_noise import noisy


def refused(*given, **options) -> str:
    with pytest.raises(UsageError) as error:
        small_trainer(*given, **options)
    return str(error.value)


# freeze


@pytest.mark.parametrize("others", ["", ",llrd", ",llrd(rates='1e-3:1e-3:1e-3'),fgm(at='inputs')"])
@pytest.mark.parametrize(
    ("spelling", "frozen"),
    [
        ("freeze", {0}),
        ("freeze(layers=1)", {0, 1}),
        ("freeze(layers=2)", {0, 1, 2}),
        ("freeze(layers=1,embeddings=False)", {1}),
    ],
)
def test_frozen_weights_stay_and_all_others_move(spelling, frozen, others):
    trainer = small_trainer(spelling + others, dropout=0.1, weight_decay=0.1)
    places, layers = depths(trainer.run.model)
    assert (layers, set(places.values())) == (2, {0, 1, 2, 3})
    before = weights_of(trainer.run.model)
    trainer.fit()
    after = weights_of(trainer.run.model)
    kept = {name for name in places if torch.equal(before[name], after[name])}
    # Keys' biases never get a gradient: softmax does not see them. The decay passes them by.
    still = {name for name in places if name.endswith("key.bias")}
    assert kept - still == {name for name, place in places.items() if place in frozen} - still
    plugin = next(p for p in trainer.hooks.plugins if p.name == "freeze")
    sizes = {name: p.numel() for name, p in trainer.run.model.named_parameters()}
    expected = sum(sizes[name] for name, place in places.items() if place in frozen)
    assert plugin.counts() == {"frozen parameters": expected}


def test_the_optimizer_does_not_hold_what_is_frozen():
    trainer = small_trainer("freeze(layers=1),llrd")
    names = {group["name"] for group in trainer.run.optimizer.param_groups}
    assert names == {"layer 2", "layer 2 (no decay)", "head", "head (no decay)"}


def test_more_layers_than_there_are_cannot_be_frozen():
    assert refused("freeze(layers=3)") == (
        "freeze.layers: expected at most 2, the layers of this encoder; got 3"
    )


def test_a_model_without_layers_cannot_be_frozen():
    model = torch.nn.Sequential(torch.nn.Embedding(60, 8), torch.nn.Linear(8, 3))
    with pytest.raises(UsageError, match=r"^freeze: no layers were found in this model; train it"):
        Hooks(plugins("freeze")).call.prepare_model(model=model)


def test_the_table_cannot_be_attacked_when_it_is_frozen():
    trainer = small_trainer("freeze,fgm")
    with pytest.raises(UsageError, match="the word embeddings got no gradient"):
        trainer.fit()
    attacked = small_trainer("freeze,fgm(at='inputs')")
    attacked.fit()
    assert attacked.hooks.plugins[0].name == "fgm"
    assert attacked.hooks.plugins[0].counts() == {"attacks": 6, "attacks without effect": 0}


# time-limit


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless it is moved."""
    clock = SimpleNamespace(now=500.0)
    monkeypatch.setattr(
        "titlekit.plugins.time_limit.time", SimpleNamespace(monotonic=lambda: clock.now)
    )
    return clock


def test_no_minutes_are_over_at_the_first_evaluation():
    run = small_trainer("time-limit(minutes=0)").fit()
    assert run.stop_reasons == ["0 minutes are over"]
    assert run.step == run.best_step == 2


def test_there_is_time_enough_for_a_second_of_training():
    trainer = small_trainer("time-limit")
    run = trainer.fit()
    assert run.stop_reasons == []
    assert trainer.hooks.plugins[0].counts() == {"evaluations watched": 4}


def test_time_before_the_training_does_not_count(clock):
    plugin = TimeLimit(minutes=1.5)
    clock.now += 1000
    plugin.train_start(run=SimpleNamespace(step=0))
    clock.now += 89
    assert plugin.should_stop() is None
    clock.now += 1
    assert plugin.should_stop() == "1.5 minutes are over"


def test_time_goes_on_where_the_saved_state_ended(clock, tmp_path):
    path = tmp_path / "state.safetensors"
    first = small_trainer("time-limit(minutes=1)", epochs=4.0)
    first.hooks.call.train_start(run=first.run)
    first.optimizer_step(first.feed.batch(0))
    clock.now += 40
    checkpoint.save(path, state.state_dict(first))
    clock.now = 7.0  # the machine was started anew
    second = small_trainer("time-limit(minutes=1)", epochs=4.0)
    state.load_state_dict(second, checkpoint.load(path))
    (plugin,) = second.hooks.plugins
    clock.now += 1000
    assert plugin.seconds() == 40
    evaluate = second.run.evaluate_here

    def slow():
        clock.now += 7
        return evaluate()

    second.run.evaluate_here = slow
    run = second.fit()
    assert run.stop_reasons == ["1 minutes are over"]
    assert plugin.counts() == {"evaluations watched": 3}  # 40 + 3 * 7 seconds
    assert plugin.seconds() == 61


# word-noise

TEXT = "one two three four five six seven eight"


def test_every_word_is_deleted_as_often_as_asked():
    rng = np.random.default_rng(0)
    left = Counter(word for _ in range(4000) for word in noisy(TEXT, 0.3, 0.0, rng).split())
    assert set(left) == set(TEXT.split())
    assert all(abs(count / 4000 - 0.7) < 0.03 for count in left.values())
    words = noisy(TEXT, 0.3, 0.0, rng).split()
    assert words == [word for word in TEXT.split() if word in words]  # the order stays


def test_one_word_stays_and_any_may_be_it():
    rng = np.random.default_rng(0)
    assert {noisy(TEXT, 1.0, 1.0, rng) for _ in range(200)} == set(TEXT.split())


def test_neighbours_are_swapped_as_often_as_asked():
    rng = np.random.default_rng(0)
    assert noisy("a b c d e", 0.0, 1.0, rng) == "b a d c e"
    found = [noisy("a b", 0.0, 0.25, rng) for _ in range(4000)]
    assert set(found) == {"a b", "b a"}
    assert abs(found.count("b a") / 4000 - 0.25) < 0.03
    for _ in range(200):
        words = noisy(TEXT, 0.0, 0.5, rng).split()
        assert sorted(words) == sorted(TEXT.split())
        assert all(abs(words.index(w) - at) <= 1 for at, w in enumerate(TEXT.split()))


@pytest.mark.parametrize("text", ["", "word", "  word ", "深度学习的标题"])
def test_a_text_of_one_word_is_left_alone(text):
    assert noisy(text, 1.0, 1.0, np.random.default_rng(0)) == text


def test_without_noise_not_even_a_space_changes():
    assert noisy(" two  spaces\t here ", 0.0, 0.0, np.random.default_rng(0)) == (
        " two  spaces\t here "
    )


def test_texts_depend_on_seed_and_epoch_alone():
    texts, labels = [TEXT] * 30, np.zeros(30, np.int64)

    def augmented(seed, epoch):
        hooks = Hooks([create(("word-noise", {}))])
        return hooks.call.augment(
            texts=list(texts), labels=labels, rng=lambda name: stream(seed, name, epoch)
        )

    assert augmented(1, 3) == augmented(1, 3)
    assert len({tuple(augmented(*one)) for one in [(1, 3), (1, 4), (2, 3)]}) == 3
    assert len(set(augmented(1, 3))) > 15  # rows of one text get noise of their own


OPTIONS = {
    "model": "tiny", "epochs": 2, "batch_size": 16, "eval_every": 0.5, "device": "cpu",
    "max_length": "12",
}  # fmt: skip


def records(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]


def test_validation_texts_are_never_touched(tmp_path):
    table = write_table(tmp_path / "train.csv")
    valid = write_table(tmp_path / "valid.csv", 40, seed=6)
    # Rates so small that no weight moves: what differs is the training texts alone.
    options = {**OPTIONS, "lr": 1e-30, "weight_decay": 0.0}
    runs = {
        spelling: train(
            train=str(table), valid=str(valid), plugins=spelling, out=str(tmp_path / name),
            **options,
        )
        for name, spelling in (("plain", ""), ("noise", "word-noise(delete=0.5,swap=0.5)"))
    }  # fmt: skip
    plain, noise = (records(result.folder) for result in runs.values())
    assert [one["loss"] for one in plain] != [one["loss"] for one in noise]
    for one, other in zip(plain, noise, strict=True):
        assert [one[k] for k in one if k.startswith("valid_")] == [
            other[k] for k in one if k.startswith("valid_")
        ]
    described = runs["word-noise(delete=0.5,swap=0.5)"].run
    changed = described["plugins"]["counters"]["word-noise"]["rows changed in the last epoch"]
    assert 60 < changed <= 120
    with valid.open(encoding="utf-8", newline="") as stream:
        titles = [row["title"] for row in csv.DictReader(stream)]
    (written,) = (runs["word-noise(delete=0.5,swap=0.5)"].folder / "predictions").glob("valid*")
    with written.open(encoding="utf-8-sig", newline="") as stream:
        shown = [row["text"] for row in csv.DictReader(stream)]
    assert sorted(shown) == sorted(titles)


def test_no_noise_is_plain_training(tmp_path):
    table = write_table(tmp_path / "train.csv")
    plain, null = (
        train(train=str(table), plugins=spelling, out=str(tmp_path / str(number)), **OPTIONS)
        for number, spelling in enumerate(("", "word-noise(delete=0,swap=0)"))
    )
    assert (plain.folder / "model.safetensors").read_bytes() == (
        null.folder / "model.safetensors"
    ).read_bytes()
    assert records(plain.folder) == records(null.folder)
    assert null.run["plugins"]["counters"]["word-noise"] == {"rows changed in the last epoch": 0}


def test_a_stopped_run_continues_bit_for_bit(tmp_path, monkeypatch):
    """All of this file at once, stopped in the middle of the second epoch."""
    table = write_table(tmp_path / "train.csv")
    spelling = "word-noise,balanced-sampler,freeze(layers=1),checkpointing,time-limit"
    options = {**OPTIONS, "train": str(table), "plugins": spelling, "save_every": 0.1}
    whole = train(out=str(tmp_path / "whole"), **options)
    step = Trainer.optimizer_step

    def stops(self, rows):
        step(self, rows)
        if self.run.step == 9:
            self.stop_signal = int(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "optimizer_step", stops)
        with pytest.raises(Exception, match="stopped at step 9; the state is saved"):
            train(out=str(tmp_path / "stopped"), **options)
    torch.manual_seed(999)
    again = resume(tmp_path / "stopped")
    assert whole.run["result"]["steps"] == again.run["result"]["steps"] > 9
    assert records(whole.folder) == records(again.folder)
    assert (whole.folder / "model.safetensors").read_bytes() == (
        again.folder / "model.safetensors"
    ).read_bytes()
    counters = whole.run["plugins"]["counters"]
    assert counters == again.run["plugins"]["counters"]
    assert all(any(counts.values()) for counts in counters.values())


# balanced-sampler


@pytest.mark.parametrize("counts", [(50, 7, 3), (1, 9), (5, 5, 5, 6), (4,), (0, 8, 3)])
def test_every_class_is_drawn_equally_often_and_its_rows_evenly(counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    rows = balanced_rows(labels, np.random.default_rng(1))
    assert len(rows) == len(labels)
    present = np.flatnonzero(counts)
    drawn = np.bincount(labels[rows], minlength=len(counts))[present]
    assert drawn.max() - drawn.min() <= 1
    times = np.bincount(rows, minlength=len(labels))
    for label in present:
        own = times[labels == label]
        assert own.max() - own.min() <= 1


def test_an_epoch_depends_on_its_stream_alone_and_each_draws_another_part():
    labels = np.repeat([0, 1], [90, 10])
    first, again, other = (balanced_rows(labels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert set(first[labels[first] == 0]) != set(other[labels[other] == 0])
    # The order is random: the classes do not come one after the other.
    assert np.abs(np.diff(labels[first])).sum() > 20


def test_the_remainder_goes_to_other_classes_in_other_epochs():
    labels = np.repeat([0, 1, 2], [6, 2, 2])
    found = {
        tuple(np.bincount(labels[balanced_rows(labels, np.random.default_rng(seed))]))
        for seed in range(40)
    }
    assert found == {(4, 3, 3), (3, 4, 3), (3, 3, 4)}


def test_a_run_takes_its_batches_from_the_sampler():
    trainer = small_trainer("balanced-sampler", epochs=3.0)
    labels = random_rows().labels
    plain = np.bincount(labels)
    assert len(set(plain)) > 1
    for epoch in range(3):
        rows = np.concatenate([trainer.feed.batch(3 * epoch + place) for place in range(3)])
        assert np.bincount(labels[rows]).tolist() == [8, 8, 8]
    trainer = small_trainer("balanced-sampler", epochs=3.0)
    trainer.fit()
    assert trainer.hooks.plugins[0].counts() == {"epochs drawn": 3}


# checkpointing


class TwoLooks(Plugin):
    """Two forward passes, as consistency losses make."""

    @hookimpl(wrapper=True)
    def objective(self, step):
        output = yield
        again = step.forward()
        output.losses = (output.losses + again.losses) / 2
        output.losses = output.losses + (output.logits - again.logits).square().mean(-1)
        return output


SETS = ["", "focal,fgm", "fgm(at='inputs')", "pgd", "pgd(at='inputs')", "freeze,llrd", "two"]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("spelling", SETS)
def test_recomputed_layers_give_the_same_gradients(spelling, dropout):
    def made():
        return [TwoLooks()] if spelling == "two" else plugins(spelling)

    plain = gradients(small_trainer(made=made(), dropout=dropout, grad_accum=2))
    checkpointed = small_trainer(
        made=[*made(), create(("checkpointing", {}))], dropout=dropout, grad_accum=2
    )
    assert largest_difference(gradients(checkpointed), plain) < 1e-6


def test_a_run_is_the_same_and_its_model_is_left_as_it_was():
    plain, other = (small_trainer(text, dropout=0.1) for text in ("", "checkpointing"))
    config = plain.run.model.config.to_dict()
    switched = {m for m in other.run.model.modules() if getattr(m, "gradient_checkpointing", False)}
    assert switched > set(other.run.model.bert.encoder.layer)
    plain.fit()
    other.fit()
    assert largest_difference(weights_of(plain.run.model), weights_of(other.run.model)) < 1e-6
    assert plain.run.forwards == other.run.forwards
    assert other.run.model.config.to_dict() == config
    assert not any(getattr(m, "gradient_checkpointing", False) for m in other.run.model.modules())
    assert other.hooks.plugins[0].counts() == {"modules switched on": len(switched)}


def test_backward_runs_each_layer_once_more_and_evaluations_do_not():
    calls = Counter()

    def counted(spelling, where):
        trainer = small_trainer(spelling)
        # The last one computes little, for the first tokens alone, and may keep it.
        for layer in trainer.run.model.bert.encoder.layer[:-1]:
            layer.intermediate.register_forward_pre_hook(lambda *_: calls.update([where]))
        trainer.backward(np.arange(8))
        assert trainer.run.embedding_module._forward_hooks == {}
        before = calls[where]
        trainer.run.evaluate_here()
        calls.update({f"{where} in evaluations": calls[where] - before})
        calls[where] = before

    counted("", "plain")
    counted("checkpointing", "checkpointed")
    assert calls["plain"] == 1
    assert calls["checkpointed"] == 2
    assert calls["plain in evaluations"] == calls["checkpointed in evaluations"] > 0


def test_less_is_kept_for_backward():
    def kept(spelling):
        trainer, sizes = small_trainer(spelling), []
        trainer.run.model.train()

        def pack(tensor):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            inputs = trainer.feed.tokens.padded(np.arange(8))
            trainer.run.model_forward({k: torch.from_numpy(v) for k, v in inputs.items()})
        return sum(sizes)

    assert kept("checkpointing") < kept("") / 2


def test_a_model_that_cannot_recompute_is_refused():
    model = small_model()
    model.supports_gradient_checkpointing = False
    with pytest.raises(UsageError) as error:
        Trainer(model, random_rows(), None, labels=NAMES, plugins=plugins("checkpointing"))
    assert str(error.value) == (
        "checkpointing: BertForSequenceClassification cannot recompute its layers; use a smaller "
        "--batch-size or a larger --grad-accum"
    )
