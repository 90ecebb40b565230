"""lora: what is trained, against plain torch, merged, saved and resumed."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest
import torch
import transformers
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from console import write_table
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
from titlekit import Trainer, UsageError, load, train
from titlekit.core.encoder import depths
from titlekit.core.hooks.registry import create
from titlekit.core.session import resume
from titlekit.plugins.lora import linear_layers

ROWS = np.arange(8)


def batch():
    examples = random_rows()
    inputs = {k: torch.from_numpy(v) for k, v in examples.tokens.padded(ROWS).items()}
    return inputs, torch.from_numpy(examples.labels[ROWS])


def adapters(model) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """A and B by the name of the weight that they change."""
    values = dict(model.named_parameters())
    return {
        name.replace(".lora_A.default", ""): (p, values[name.replace("lora_A", "lora_B")])
        for name, p in values.items()
        if "lora_A" in name
    }


def opened(trainer):
    """B is zero at first; give it values, so that A gets a gradient too."""
    torch.manual_seed(5)
    for _, b in adapters(trainer.run.model).values():
        torch.nn.init.normal_(b, std=0.1)


def test_training_begins_at_the_loaded_model_exactly():
    plain, trainer = small_trainer(), small_trainer("lora")
    inputs, _ = batch()
    assert torch.equal(
        plain.run.model.eval()(**inputs).logits, trainer.run.model.eval()(**inputs).logits
    )
    ours, theirs = gradients(trainer, ROWS), gradients(plain, ROWS)
    head = {name for name in theirs if name.startswith(("classifier", "bert.pooler"))}
    assert len(head) == 4
    assert all(torch.equal(ours[name], theirs[name]) for name in head)


def test_trained_are_the_adapters_and_the_head():
    trainer = small_trainer("lora(rank=3)")
    model = trainer.run.model
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    head = {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    head |= {"classifier.weight", "classifier.bias"}
    assert {name for name in trained if "lora_" not in name} == head
    assert len(trained) == len(head) + 2 * 12  # six linear layers in each of two layers
    a, b = adapters(model)["bert.encoder.layer.0.intermediate.dense.weight"]
    assert (a.shape, b.shape) == ((3, 16), (32, 3))
    assert float(b.detach().abs().max()) == 0 < float(a.detach().abs().max())
    held = sum(p.numel() for g in trainer.run.optimizer.param_groups for p in g["params"])
    assert trainer.hooks.plugins[0].counts() == {"adapted layers": 12, "trained": held}


@pytest.mark.parametrize("alpha", [16.0, 1.5])
def test_its_gradients_are_those_of_the_formula(alpha):
    """W + alpha / rank B A in place of W, in plain torch."""
    trainer = small_trainer(f"lora(rank=4,alpha={alpha})")
    opened(trainer)
    leaves = {
        name: tuple(part.detach().clone().requires_grad_() for part in pair)
        for name, pair in adapters(trainer.run.model).items()
    }
    model = small_model().train()
    weights = dict(model.named_parameters())
    weights |= {name: weights[name] + alpha / 4 * b @ a for name, (a, b) in leaves.items()}
    inputs, labels = batch()
    cross_entropy(functional_call(model, weights, (), inputs).logits, labels).backward()
    found = gradients(trainer, ROWS)
    for name, (a, b) in leaves.items():
        stem = name.removesuffix(".weight")
        assert float((found[f"{stem}.lora_A.default.weight"] - a.grad).abs().max()) < 1e-6
        assert float((found[f"{stem}.lora_B.default.weight"] - b.grad).abs().max()) < 1e-6
        assert float(a.grad.abs().max()) > 0


def test_dropout_acts_on_what_the_adapters_receive_in_training_alone():
    plain, trainer = (small_trainer(f"lora(dropout={rate})") for rate in (0, 0.5))
    for one in (plain, trainer):
        opened(one)
    torch.manual_seed(0)
    first, second, still, expected = (
        one.run.model.train(mode)(**batch()[0]).logits.detach()
        for one, mode in ((trainer, True), (trainer, True), (trainer, False), (plain, True))
    )
    assert not torch.equal(first, second)
    assert torch.equal(still, expected)


@pytest.mark.parametrize(
    "others",
    ["", ",ema", ",swa(start=0)", ",awp(rho=0.05)", ",fgm(at='inputs')", ",llrd,checkpointing",
     ",amp(dtype='bf16'),pgd(at='inputs')", ",r-drop,ema,llrd"],
)  # fmt: skip
def test_at_the_end_the_adapters_are_merged_and_the_modules_plain(others):
    trainer = small_trainer("lora(dropout=0.1)" + others, dropout=0.1, lr=1e-2)
    plain = small_model()
    seen = {}

    def remember():
        seen["weights"] = weights_of(trainer.run.model)
        seen["logits"] = trainer.run.model(**batch()[0]).logits.detach()

    merge = trainer.hooks.call.train_end
    trainer.hooks.call.train_end = lambda run: (remember(), merge(run=run))
    model = trainer.fit().model
    assert {n: type(m) for n, m in model.named_modules()} == {
        n: type(m) for n, m in plain.named_modules()
    }
    before, after = weights_of(plain), weights_of(model)
    assert list(after) == list(before)
    assert float((model(**batch()[0]).logits - seen["logits"]).detach().abs().max()) < 1e-5
    for name, value in after.items():
        stem = name.removesuffix(".weight")
        if f"{stem}.lora_A.default.weight" in seen["weights"]:
            a, b = (seen["weights"][f"{stem}.lora_{x}.default.weight"] for x in "AB")
            assert float(b.abs().max()) > 0
            assert torch.allclose(value, before[name] + 2 * b @ a, atol=1e-6)
        elif name.startswith(("classifier", "bert.pooler")):
            assert not torch.equal(value, before[name])
        else:
            assert torch.equal(value, before[name])  # frozen
    assert all(p.requires_grad for p in model.parameters())
    assert not hasattr(model, "peft_config")


def test_adapters_stand_at_the_depth_of_their_layer():
    trainer = small_trainer("lora,llrd(decay=0.5)", lr=1.0)
    places, layers = depths(trainer.run.model)
    assert layers == 2
    for name, place in places.items():
        if "lora_" in name:
            assert place == 1 + int(name.split(".")[3])
    rates = {group["name"]: group["lr"] for group in trainer.run.optimizer.param_groups}
    assert rates == {"layer 1": 0.5, "layer 2": 1.0, "head": 1.0, "head (no decay)": 1.0}


def test_frozen_layers_get_no_adapters_and_stay():
    trainer = small_trainer("freeze(layers=1),lora", lr=1e-2)
    assert {name.split(".")[3] for name in adapters(trainer.run.model)} == {"1"}
    before = weights_of(small_model())
    after = weights_of(trainer.fit().model)
    still = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in before if name.startswith("bert.encoder.layer.0.")} <= still
    assert "bert.encoder.layer.1.output.dense.weight" not in still


def refused(spelling) -> str:
    with pytest.raises(UsageError) as error:
        small_trainer(spelling).fit()
    return str(error.value)


def test_the_table_is_frozen_and_cannot_be_attacked():
    assert refused("lora,fgm").startswith("the word embeddings got no gradient (frozen?), so")


def test_nothing_is_left_to_adapt():
    text = (
        "lora: no linear layer that is trained was found in the layers of this encoder; train it "
        "without lora"
    )
    assert refused("freeze(layers=2),lora") == text
    model = torch.nn.Sequential(torch.nn.Embedding(60, 8), torch.nn.Linear(8, 3))
    with pytest.raises(UsageError) as error:
        create(("lora", {})).prepare_model(model)
    assert str(error.value) == text


@pytest.mark.parametrize(
    ("targets", "ends"),
    [
        ("query, value", {"query", "value"}),
        ("output.dense", {"output.dense"}),
        ("attention.output.dense,key", {"attention.output.dense", "key"}),
    ],
)
def test_layers_can_be_named(targets, ends):
    names = {
        name.removesuffix(".weight")
        for name in adapters(small_trainer(f"lora(targets='{targets}')").run.model)
    }
    assert names == {
        name for name in linear_layers(small_model()) if name.endswith(tuple(f".{e}" for e in ends))
    }


def test_a_misspelt_layer_offers_the_nearest():
    assert refused("lora(targets='query,valu')") == (
        "lora.targets: no linear layer named 'valu'; did you mean 'value'?  (names: all, dense, "
        "key, query, value)"
    )


def test_without_peft_it_is_refused_at_once(monkeypatch, console):
    monkeypatch.setattr("titlekit.plugins.lora.is_installed", lambda module: module != "peft")
    code, out, err = console("train", "no-such-file.csv", "--plugins", "focal,lora")
    assert (code, out) == (2, "")
    assert err == 'Error: lora needs peft: pip install "titlekit[lora]"\n'


SMALL = {"vocab_size": 60, "num_labels": 3, "pad_token_id": 0}
BLOCKS = {"num_hidden_layers": 3, "num_attention_heads": 2, "hidden_size": 16}
FAMILIES = {
    "DistilBert": ({"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32}, 6 * 3),
    "ModernBert": ({**BLOCKS, "intermediate_size": 32}, 4 * 3),
    "Albert": ({**BLOCKS, "intermediate_size": 32, "embedding_size": 8}, 6),  # shared layers
    "DebertaV2": ({**BLOCKS, "intermediate_size": 32, "type_vocab_size": 0}, 6 * 3),
    "Electra": ({**BLOCKS, "intermediate_size": 32, "embedding_size": 8}, 6 * 3),
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_layers_are_found_by_structure_and_merged_in_every_family(family):
    values, adapted = FAMILIES[family]
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**SMALL, **values)
    model = getattr(transformers, f"{family}ForSequenceClassification")(config)
    names, layers = list(model.state_dict()), depths(model)[1]
    trainer = Trainer(model, random_rows(), None, labels=NAMES, plugins=plugins("lora,llrd"))
    plugin = next(p for p in trainer.hooks.plugins if p.name == "lora")
    assert plugin.counts()["adapted layers"] == adapted
    places, _ = depths(model)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {name for name in places if places[name] > layers} < trained
    assert all("lora_" in name for name in trained if places[name] <= layers)
    opened(trainer)
    inputs, _ = batch()
    before = model.eval()(**inputs).logits
    trainer.hooks.call.train_end(run=trainer.run)
    assert list(model.state_dict()) == names
    assert float((model(**inputs).logits - before).detach().abs().max()) < 1e-5


OPTIONS = {
    "model": "tiny", "epochs": 2, "batch_size": 16, "eval_every": 0.5, "device": "cpu",
    "max_length": "24",
}  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return str(write_table(tmp_path_factory.mktemp("data") / "titles.csv"))


def test_the_saved_model_is_an_ordinary_one(table, tmp_path):
    folders = {
        spelling: train(
            train=table, plugins=spelling, lr=5e-3, out=str(tmp_path / str(number)), **OPTIONS
        ).folder
        for number, spelling in enumerate(["", "lora,focal"])
    }
    plain, adapted = folders.values()
    model, found = transformers.AutoModelForSequenceClassification.from_pretrained(
        adapted, output_loading_info=True
    )
    assert not any(found[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    configs = [json.loads((one / "config.json").read_text("utf-8")) for one in (plain, adapted)]
    assert configs[0] == configs[1]
    assert {path.name for path in plain.iterdir()} == {path.name for path in adapted.iterdir()}
    described = json.loads((adapted / "run.json").read_text("utf-8"))
    assert described["model"]["parameters"] == sum(p.numel() for p in model.parameters())
    counters = described["plugins"]["counters"]["lora"]
    assert 0 < counters["trained"] < described["model"]["parameters"] / 2
    texts = ["A Survey of Graph Kernels", "Table of Contents"]
    pipe = transformers.pipeline("text-classification", model=str(adapted), device="cpu")
    ours = load(adapted).predict(texts)
    for answer, label, score in zip(pipe(texts), ours.labels, ours.scores, strict=True):
        assert answer["label"] == label
        assert answer["score"] == pytest.approx(score, abs=1e-5)


def test_a_stopped_run_continues_bit_for_bit(table, tmp_path, monkeypatch):
    spelling = "lora(dropout=0.1),swa(start=0.3),awp(start=0.2),llrd"
    options = {**OPTIONS, "train": table, "plugins": spelling, "lr": 5e-3, "save_every": 0.1}
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
    for name in ("metrics.jsonl", "model.safetensors"):
        assert (whole.folder / name).read_bytes() == (again.folder / name).read_bytes()
    counters = whole.run["plugins"]["counters"]
    assert counters == again.run["plugins"]["counters"]
    assert all(any(counts.values()) for counts in counters.values())


def test_the_order_of_listing_does_not_matter():
    names = ["lora", "freeze", "llrd", "ema", "awp"]
    one, other = (small_trainer(",".join(order), dropout=0.1) for order in (names, names[::-1]))
    one.fit()
    other.fit()
    assert equal(weights_of(one.run.model), weights_of(other.run.model))
    assert largest_difference(weights_of(one.run.model), weights_of(small_model())) > 0
