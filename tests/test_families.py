"""Every family that docs/models.md names: trained, attacked, frozen, saved, reloaded, resumed."""

from __future__ import annotations

import copy
import csv
import json
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from console import write_table
from families import FAMILIES, save_family, titles
from steps import equal, gradients, largest_difference, plugins, weights_of
from titlekit import TrainConfig, Trainer, UsageError, load, train
from titlekit.core.data.tokens import TextEncoder
from titlekit.core.encoder import depths
from titlekit.core.inference.scoring import score
from titlekit.core.prepare import Job, prepare
from titlekit.core.session import resume
from titlekit.core.unpadded import PADDED

LENGTH = 24
TABLES = {
    "bert": "bert.embeddings.word_embeddings.weight",
    "roberta": "roberta.embeddings.word_embeddings.weight",
    "xlm-roberta": "roberta.embeddings.word_embeddings.weight",
    "distilbert": "distilbert.embeddings.word_embeddings.weight",
    "electra": "electra.embeddings.word_embeddings.weight",
    "albert": "albert.embeddings.word_embeddings.weight",
    "deberta-v2": "deberta.embeddings.word_embeddings.weight",
    "deberta-v3": "deberta.embeddings.word_embeddings.weight",
    "modernbert": "model.embeddings.tok_embeddings.weight",
    "mpnet": "mpnet.embeddings.word_embeddings.weight",
    "camembert": "roberta.embeddings.word_embeddings.weight",
}
TYPED = {"bert", "electra", "albert"}  # whose encoders tell the two texts of a pair apart
# Those whose attention is a function that can be exchanged, and whose head reads the first token.
UNPADDED = {"bert", "roberta", "xlm-roberta", "distilbert", "electra", "albert", "camembert"}
ROWS = np.arange(8)
ODD = [
    "na\u00efve  caf\u00e9 \u2014 \ufb01eld", "\u9898\u76ee: \u4e2d\u6587", "\U0001f600 smile",
    "a [SEP] b </s> c <mask> [MASK]",
    "a\ttab and\na line", " spaces around ", "UPPER lower", "x",
]  # fmt: skip
LONG = " ".join(titles()[:12])


@pytest.fixture(scope="module", params=FAMILIES)
def name(request):
    return request.param


def pipeline(folder: Path):
    return transformers.pipeline("text-classification", model=str(folder), device="cpu")


class Work:
    """What is made once for all tests: encoders, finished runs, prepared jobs."""

    def __init__(self, root: Path) -> None:
        self.root, self.made = root, {}
        self.table = write_table(root / "titles.csv", 80)

    def folder(self, name: str) -> Path:
        return self._once(f"folder-{name}", save_family, name)

    def options(self, name: str) -> dict:
        return {
            "train": str(self.table), "model": str(self.folder(name)), "batch_size": 16,
            "epochs": 1, "lr": 1e-2, "max_length": str(LENGTH), "device": "cpu",
            "plugins": "llrd,fgm,ema(decay=0.5)",
            "truncation": "tail" if name in ("roberta", "albert") else "head",
        }  # fmt: skip

    def run(self, name: str) -> Path:
        return self._once(
            f"run-{name}", lambda _, out: train(**self.options(name), out=str(out)).folder, name
        )

    def job(self, name: str) -> Job:
        def make(name: str, _: Path) -> Job:
            options = {**self.options(name), "plugins": "", "train": [str(self.table)]}
            return prepare(TrainConfig(**options), {}, [])

        return self._once(f"job-{name}", make, name)

    def opened(self, name: str):
        """The finished run as titlekit and as transformers open it."""
        return self._once(
            f"opened-{name}",
            lambda *_: (load(self.run(name), "cpu"), pipeline(self.run(name))),
            name,
        )

    def _once(self, key, make, name):
        if key not in self.made:
            self.made[key] = make(name, self.root / key)
        return self.made[key]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return Work(tmp_path_factory.mktemp("families"))


def trainer_of(work: Work, name: str, spelling: str) -> Trainer:
    """A trainer with plugins on a copy of the family's model and its own tokens."""
    job = work.job(name)
    config = TrainConfig(lr=1e-2, batch_size=8, epochs=1.0, device="cpu")
    model = copy.deepcopy(job.trainer.run.model)
    for module in model.modules():
        module._forward_pre_hooks.clear()  # the other trainer's
    return Trainer(
        model, job.trainer.feed.examples, None, labels=job.data.labels,
        config=config, plugins=plugins(spelling),
    )  # fmt: skip


def place(parameter: str, layers: int) -> int:
    """The depth of a parameter by the names that these families use."""
    layer = re.search(r"\.(?:layer|layers|albert_layer_groups)\.(\d+)\.", parameter)
    if layer:
        return int(layer[1]) + 1
    if ".encoder.conv." in parameter:  # DeBERTa-v2's, on what the first layer gives
        return 1
    low = r"embedding|rel_embeddings|relative_attention_bias|\.encoder\.LayerNorm\."
    if re.search(low, parameter):
        return 0
    return layers if "final_norm" in parameter else layers + 1


def parameters(work: Work, name: str) -> tuple[dict[str, torch.nn.Parameter], int]:
    values = dict(work.job(name).trainer.run.model.named_parameters())
    return values, 1 if name == "albert" else 2


# Batches without padding


def test_unpadded_padded_and_one_by_one_are_the_same(work, name):
    trainer = trainer_of(work, name, "")
    layout, run = trainer.feed.layout, trainer.run
    assert layout.unpadded is (name in UNPADDED)
    run.model.eval()  # no dropout
    found = []
    for how, parts in ((layout, 1), (PADDED, 1), (layout, len(ROWS))):
        trainer.feed.layout, run.micro_batches = how, parts
        run.optimizer.zero_grad(set_to_none=True)
        trainer.backward(ROWS)
        logits = score(lambda inputs: run.model(**inputs).logits, trainer.feed.tokens,
                       run.device, how)  # fmt: skip
        grads = {n: p.grad for n, p in run.model.named_parameters() if p.grad is not None}
        found.append((grads, logits))
    for grads, logits in found[1:]:
        assert np.abs(logits - found[0][1]).max() < 1e-5
        scale = max(1.0, max(float(g.abs().max()) for g in grads.values()))
        assert largest_difference(grads, found[0][0]) < 1e-5 * scale


# Saved, reloaded, opened by transformers


def test_a_run_opens_with_the_same_answers_everywhere(work, name):
    predictor, pipe = work.opened(name)
    texts = [*titles()[40:44], LONG, *ODD]
    found = predictor.predict(texts)
    check_same(predictor, found.probabilities, pipe(texts, truncation=True, top_k=None))
    assert len(np.unique(found.probabilities.round(3), axis=0)) > 3  # it tells texts apart
    answers = pipe(texts, truncation=True)
    assert [answer["label"] for answer in answers] == found.labels
    assert predictor.max_length == pipe.tokenizer.model_max_length == LENGTH
    assert len(pipe.tokenizer(LONG)["input_ids"]) > LENGTH


def test_what_another_tool_has_trained_is_cut_on_its_side(work, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(work.run("roberta"), folder)
    (folder / "run.json").unlink()
    predictor, texts = load(folder, "cpu"), [LONG, *titles()[:4]]
    assert (predictor.truncation, predictor.max_length) == ("tail", LENGTH)
    expected = work.opened("roberta")[0].probabilities(texts)
    assert predictor.probabilities(texts).tolist() == expected.tolist()


def test_pairs_of_texts_have_their_types_and_the_same_answers(work, name):
    predictor, pipe = work.opened(name)
    texts, pairs = [*titles()[40:44], LONG, "x", *ODD], [*titles()[50:54], "y", LONG, *ODD[::-1]]
    asked = [{"text": a, "text_pair": b} for a, b in zip(texts, pairs, strict=True)]
    found = predictor.probabilities(texts, pairs)
    check_same(predictor, found, pipe(asked, truncation=True, top_k=None))
    types = predictor.encoder(texts, pairs).types
    assert (types is not None) is (name in TYPED)
    assert ("token_type_ids" in pipe.tokenizer.model_input_names) is (name in TYPED)
    assert types is None or set(types[0]) == {0, 1}


def check_same(predictor, probabilities, answers):
    for row, answer in zip(probabilities, answers, strict=True):
        scores = {one["label"]: one["score"] for one in answer}
        assert [scores[label] for label in predictor.labels] == pytest.approx(row, abs=1e-5)


def test_tokens_are_those_of_the_family_also_when_saved(work, name):
    own = transformers.AutoTokenizer.from_pretrained(work.folder(name))
    saved = work.opened(name)[0].encoder.tokenizer
    texts, pairs = [*titles()[:9], LONG, *ODD], [*titles()[9:18], *ODD, LONG]
    for second in (None, pairs):
        expected = own(texts, second, truncation=True, max_length=LENGTH)["input_ids"]
        tokens = TextEncoder(saved, LENGTH)(texts, second)
        assert [list(tokens.ids[row]) for row in range(len(texts))] == expected


@pytest.mark.parametrize("name", ["bert", "roberta", "albert", "deberta-v3"], scope="module")
def test_pairs_train(work, name, tmp_path):
    with (tmp_path / "pairs.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["title", "venue", "label"])
        writer.writerows([t, titles()[n % 5], n % 2] for n, t in enumerate(titles()[:60]))
    options = work.options(name) | {"train": str(tmp_path / "pairs.csv")}
    result = train(**options, text_pair_column="venue", out=str(tmp_path / "run"))
    predictor, pipe = load(result.folder, "cpu"), pipeline(result.folder)
    assert predictor.pair_column == "venue"
    found = predictor.probabilities(titles()[:4], titles()[4:8])
    asked = [{"text": a, "text_pair": b} for a, b in zip(titles()[:4], titles()[4:8], strict=True)]
    check_same(predictor, found, pipe(asked, truncation=True, top_k=None))


@pytest.mark.parametrize(
    "name", ["albert", "deberta-v3", "modernbert", "xlm-roberta"], scope="module"
)
def test_a_stopped_run_ends_as_if_it_had_not_been(work, name, tmp_path, monkeypatch):
    step = Trainer.optimizer_step

    def stops(self, rows):
        step(self, rows)
        if self.run.step == 2:
            self.stop_signal = int(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "optimizer_step", stops)
        with pytest.raises(Exception, match="the state is saved"):
            train(**work.options(name), out=str(tmp_path / "run"))
    resume(tmp_path / "run")
    for file in ("model.safetensors", "metrics.jsonl", "tokenizer.json"):
        assert (tmp_path / "run" / file).read_bytes() == (work.run(name) / file).read_bytes()


def test_a_head_that_reads_the_last_position_gets_padding_on_the_left(work):
    predictor, pipe = work.opened("xlnet")
    texts = [*titles()[:6], LONG, "x"]
    assert predictor.encoder(texts).padded([7, 6])["attention_mask"][0, :2].tolist() == [0, 0]
    found = predictor.probabilities(texts)
    check_same(predictor, found, pipe(texts, truncation=True, top_k=None))


def test_inputs_with_tokens_before_rows_are_not_attacked(work):
    trainer = trainer_of(work, "xlnet", "fgm(at='inputs')")
    with pytest.raises(UsageError) as error:
        trainer.backward(ROWS)
    assert str(error.value) == (
        "the embedded inputs are [24, 8, 16], expected [8, 24, 16]: this encoder puts tokens "
        "before rows, so no row can be pushed by itself; push the table with at=table"
    )


# Groups, freezing, attacks


def test_every_parameter_is_in_the_group_that_the_dry_run_prints(work, name, console):
    values, layers = parameters(work, name)
    expected = {}
    for parameter, value in values.items():
        depth = place(parameter, layers)
        group = "embeddings" if depth == 0 else "head" if depth > layers else f"layer {depth}"
        group += "" if value.ndim > 1 else " (no decay)"
        rate = 1e-3 * 0.5 ** max(0, layers - depth)
        count = expected.get(group, (0, 0))[1] + value.numel()
        expected[group] = (pytest.approx(rate), count)
    code, out, err = console(
        "train", work.table, "--model", work.folder(name), "--lr", "1e-3", "--max-length", LENGTH,
        "--plugins", "llrd(decay=0.5)", "--dry-run", "--json",
    )  # fmt: skip
    assert code == 0, err
    plan = json.loads(out)
    assert {g["name"]: (g["lr"], g["parameters"]) for g in plan["groups"]} == expected
    assert len(plan["groups"]) == len(expected)
    trainer = trainer_of(work, name, "llrd(decay=0.5)")
    grouped = [id(p) for group in trainer.run.optimizer.param_groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in trainer.run.model.parameters())
    assert depths(trainer.run.model)[0] == {n: place(n, layers) for n in values}


def test_frozen_are_the_embeddings_and_the_lowest_layers(work, name):
    count = 0 if name == "albert" else 1
    trainer = trainer_of(work, name, f"freeze(layers={count})")
    before = weights_of(trainer.run.model)
    trainer.fit()
    values, layers = parameters(work, name)
    frozen = {n for n, p in trainer.run.model.named_parameters() if not p.requires_grad}
    assert frozen == {n for n in values if place(n, layers) <= count}
    after = weights_of(trainer.run.model)
    assert {n for n in values if torch.equal(before[n], after[n])} == frozen


def test_layers_that_share_their_weights_are_not_frozen_in_part(work):
    with pytest.raises(UsageError) as error:
        trainer_of(work, "albert", "freeze(layers=1)")
    assert str(error.value) == (
        "freeze.layers: the 2 layers of this encoder share 1 set of weights, so the lowest cannot "
        "be frozen alone; layers=0 freezes the embeddings"
    )


def looked_at(trainer: Trainer) -> tuple[list[dict], list[torch.Tensor]]:
    """Weights and embedded inputs of every forward pass over one batch."""
    run, states, embedded = trainer.run, [], []
    forward = run.model_forward

    def watched(inputs):
        states.append(weights_of(run.model))
        # Hooks run in the order of their making: this one sees what an attack has moved.
        handle = run.embedding_module.register_forward_hook(
            lambda module, arguments, output: embedded.append(output.detach().clone())
        )
        try:
            return forward(inputs)
        finally:
            handle.remove()

    before = weights_of(run.model)
    run.model_forward = watched
    run.model.train()
    trainer.backward(ROWS)
    assert equal(before, states[0])
    assert equal(before, weights_of(run.model))  # everything is put back
    return states, embedded


def moves(states: list[dict]) -> list[dict[str, float]]:
    """What differs from the first pass in each later one, by how much (L2)."""
    return [
        {
            n: float((v - states[0][n]).norm())
            for n, v in s.items()
            if not torch.equal(v, states[0][n])
        }
        for s in states[1:]
    ]


def test_fgm_and_pgd_move_the_word_embeddings_and_nothing_else(work, name):
    states, _ = looked_at(trainer_of(work, name, "fgm(epsilon=0.7)"))
    assert moves(states) == [{TABLES[name]: pytest.approx(0.7, rel=1e-4)}]
    states, _ = looked_at(trainer_of(work, name, "pgd(epsilon=0.7,alpha=0.4,steps=3)"))
    first, *later = moves(states)
    assert first == {TABLES[name]: pytest.approx(0.4, rel=1e-4)}
    assert len(later) == 2
    for move in later:
        assert list(move) == [TABLES[name]]
        assert 0 < move[TABLES[name]] <= 0.7 * (1 + 1e-4)


@pytest.mark.parametrize(("attack", "length"), [
    ("fgm(epsilon=0.7,at='inputs')", 0.7),
    ("pgd(epsilon=0.7,alpha=0.7,steps=1,at='inputs')", 0.7),
])  # fmt: skip
def test_attacks_on_inputs_move_every_row_by_its_own_length(work, name, attack, length):
    trainer = trainer_of(work, name, attack)
    states, (clean, moved) = looked_at(trainer)
    assert moves(states) == [{}]
    apart: Any = moved - clean
    if trainer.feed.layout.unpadded:
        tokens = trainer.feed.tokens
        apart = apart[0].split(tokens.lengths[trainer.feed.layout.arrange(tokens, ROWS)].tolist())
    norms = [float(row.norm()) for row in apart]
    assert norms == pytest.approx([length] * len(ROWS), rel=1e-4)
    table = dict(trainer_of(work, name, "").run.model.named_parameters())[TABLES[name]]
    assert clean.shape[-1] == table.shape[1]


def test_awp_moves_every_matrix_by_its_share(work, name):
    trainer = trainer_of(work, name, "awp(rho=0.05)")
    states, _ = looked_at(trainer)
    matrices = {n for n, p in trainer.run.model.named_parameters() if p.ndim > 1 and p.grad.any()}
    (moved,) = moves(states)
    assert set(moved) == matrices
    for matrix, length in moved.items():
        assert length == pytest.approx(0.05 * float(states[0][matrix].norm()), rel=1e-3)


def test_checkpointing_gives_plain_gradients_or_refuses(work, name):
    if name in ("albert", "mpnet"):
        with pytest.raises(UsageError, match="cannot recompute its layers; use a smaller"):
            trainer_of(work, name, "checkpointing")
        return
    found = gradients(trainer_of(work, name, "checkpointing"), ROWS)
    assert largest_difference(found, gradients(trainer_of(work, name, ""), ROWS)) < 1e-5


@pytest.mark.parametrize("name", [
    family if family in ("bert", "albert", "deberta-v2", "modernbert")
    else pytest.param(family, marks=pytest.mark.slow) for family in FAMILIES
], scope="module")  # fmt: skip
def test_lora_leaves_the_plain_model(work, name, tmp_path):
    from safetensors.numpy import load_file

    options = work.options(name) | {"plugins": "lora(rank=2)"}
    folder = train(**options, out=str(tmp_path / "run")).folder
    plain, merged = (load_file(f / "model.safetensors") for f in (work.run(name), folder))
    assert {n: v.shape for n, v in merged.items()} == {n: v.shape for n, v in plain.items()}
    assert json.loads((folder / "config.json").read_text()) == json.loads(
        (work.run(name) / "config.json").read_text()
    )
    predictor, texts = load(folder, "cpu"), [*titles()[:6], LONG]
    found = predictor.probabilities(texts)
    check_same(predictor, found, pipeline(folder)(texts, truncation=True, top_k=None))


# Libraries that are missing


@pytest.mark.parametrize("name", ["albert", "camembert", "deberta-v2", "deberta-v3", "xlm-roberta"])
@pytest.mark.parametrize("hidden", [
    ["sentencepiece"], ["google.protobuf"], ["sentencepiece", "google.protobuf"],
])  # fmt: skip
def test_a_missing_library_is_told_before_anything_is_read(
    work, name, hidden, console, tmp_path, monkeypatch
):
    """No weights and no data are there: had either been looked for, that would be the error."""
    folder = only_the_small_files(work.folder(name), tmp_path / "model")
    for module in hidden:
        monkeypatch.setitem(sys.modules, module, None)
    missing = " and ".join(module.removeprefix("google.") for module in hidden)
    text = f'its tokenizer needs {missing}: pip install "titlekit[sentencepiece]"'
    code, out, err = console("train", tmp_path / "none.csv", "--model", folder, "-q")
    assert (code, out, err) == (2, "", f"Error: --model {folder}: {text}\n")
    code, out, err = console("predict", folder, work.table, "-q")
    assert (code, out, err) == (2, "", f"Error: {folder}: {text}\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]


def only_the_small_files(source: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in source.iterdir():
        if path.suffix != ".safetensors":
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize(("told", "files", "needed"), [
    ({"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}, [],
     "fugashi and unidic-lite: pip install fugashi unidic-lite"),
    ({"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab",
      "mecab_kwargs": {"mecab_dic": "ipadic"}}, [],
     "fugashi and ipadic: pip install fugashi ipadic"),
    ({"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "sudachi"}, [],
     "sudachipy: pip install sudachipy"),
    ({"tokenizer_class": "XLMTokenizer"}, ["vocab.json"], "sacremoses: pip install sacremoses"),
    ({"tokenizer_class": "FlaubertTokenizer"}, [], "sacremoses: pip install sacremoses"),
    ({"model_type": "roformer"}, ["vocab.txt"], "rjieba: pip install rjieba"),
    ({}, ["tiktoken.model"], "tiktoken: pip install tiktoken"),
])  # fmt: skip
def test_other_libraries_are_named_too(console, tmp_path, monkeypatch, told, files, needed):
    for module in (
        "fugashi",
        "ipadic",
        "rjieba",
        "sacremoses",
        "sudachipy",
        "tiktoken",
        "unidic_lite",
    ):
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told))
    for file in files:
        (tmp_path / file).write_bytes(b"")
    code, _, err = console("train", tmp_path / "none.csv", "--model", tmp_path, "-q")
    assert (code, err) == (2, f"Error: --model {tmp_path}: its tokenizer needs {needed}\n")


@pytest.mark.parametrize("told", [
    {"tokenizer_class": "XLMRobertaTokenizer"}, {"tokenizer_class": "PreTrainedTokenizerFast"},
])  # fmt: skip
def test_a_tokenizer_json_needs_nothing(told, tmp_path, monkeypatch):
    from titlekit.core.libraries import check_libraries

    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told))
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"")
    with pytest.raises(UsageError):
        check_libraries(tmp_path, "here")
    (tmp_path / "tokenizer.json").write_text("{}")
    check_libraries(tmp_path, "here")
