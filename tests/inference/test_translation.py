"""Texts through sequence-to-sequence models: random ones, made on the spot."""

from __future__ import annotations

import gc
import io
import json
import logging

import pytest
import torch

from tiny import save_classifier
from titlekit import UsageError
from titlekit.core import libraries
from titlekit.core.data.synthetic import make_titles
from titlekit.core.inference import translation
from titlekit.core.inference.translation import (
    Decoding,
    check_translators,
    find_translators,
    there_and_back,
    translate,
)
from translators import save_translator

CHINESE = ["深度学习研究", "文本分类方法", "图的核"]
WORDS = ["graph", "kernel", "tree", "rank", "a", "of", "theory", "title", *map(str, range(40))]
TEXTS = ["a theory of graph kernel", "rank tree", "graph", "title of a tree", "a a a"]
HOW = Decoding(max_length=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_translator(tmp_path_factory.mktemp("forward"), WORDS)


def run(texts, folder, how=HOW, seed=0, device="cpu"):
    return translate(texts, folder, device, how, seed, lambda count: None)


def refused(action, *given):
    with pytest.raises(UsageError) as error:
        action(*given)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_each_text_is_written_anew_whatever_stands_beside_it(folder):
    whole = run(TEXTS, folder)
    assert all(whole)
    assert len(set(whole)) > 2
    assert {word for text in whole for word in text.split()} <= set(WORDS)
    assert [run([text], folder)[0] for text in TEXTS] == whole
    assert run(TEXTS, folder, Decoding(max_length=12, batch_size=2)) == whole
    assert run([], folder) == []


def test_a_search_may_follow_several_and_draws_nothing(folder):
    wide = Decoding(max_length=12, num_beams=4)
    assert run(TEXTS, folder, wide, seed=1) == run(TEXTS, folder, wide, seed=2)


def test_drawn_tokens_depend_on_the_seed_alone(folder):
    hot = Decoding(max_length=12, temperature=1.5)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = run(TEXTS, folder, hot, seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert run(TEXTS, folder, hot, seed=5) == first
    assert run(TEXTS, folder, hot, seed=6) != first


def test_long_texts_are_not_read_and_what_has_no_end_is_not_taken(folder):
    assert run(["graph " * 20], folder) == [""]
    # Five words and an end are read; four that are written have a start and an end beside them.
    six = Decoding(max_length=6)
    assert run(TEXTS, folder, six) == run(TEXTS, folder)
    assert run(["a a a a a a"], folder, six) == [""]
    assert run(["graph"], folder, Decoding(max_length=5)) == [""]


def test_there_and_back_passes_both_and_frees_them(folder, tmp_path):
    back = save_translator(tmp_path / "back", WORDS, seed=3, length=3)
    found = there_and_back(TEXTS, [folder, back], "cpu", HOW, 0)
    assert found == dict(zip(TEXTS, run(run(TEXTS, folder), back), strict=True))
    long = "graph " * 20
    assert there_and_back([long, "graph"], [folder, back], "cpu", HOW, 0)[long] == ""
    gc.collect()
    assert not any(type(one).__name__ == "BartModel" for one in gc.get_objects())


def test_a_bar_counts_texts_both_ways(folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    logging.getLogger("titlekit").setLevel(logging.INFO)
    there_and_back([*TEXTS, "graph " * 20], [folder, folder], "cpu", HOW, 0)
    assert "12/12" in capsys.readouterr().err


def test_a_language_without_spaces(tmp_path):
    """A tokenizer of pieces, as translators of Chinese have one, in the files of Marian's kind."""
    folder = save_pieces(tmp_path)
    found = run(CHINESE, folder, Decoding(max_length=20, temperature=1.0))
    assert len([text for text in found if text]) >= 1
    assert found != CHINESE


def save_pieces(folder):
    """Save a random Marian model with a tokenizer of sentencepiece for either language."""
    import sentencepiece
    from transformers import MarianConfig, MarianMTModel

    sources = [make_titles(200, 1)[0], CHINESE * 20]
    pieces = set()
    for name, texts in zip(("target.spm", "source.spm"), sources, strict=True):
        stream = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_writer=stream, vocab_size=120, num_threads=1,
            hard_vocab_limit=False, minloglevel=2, character_coverage=1.0,
        )  # fmt: skip
        (folder / name).write_bytes(stream.getvalue())
        model = sentencepiece.SentencePieceProcessor(model_proto=stream.getvalue())
        pieces |= {model.id_to_piece(number) for number in range(model.get_piece_size())}
    names = ["</s>", "<unk>", *sorted(pieces - {"<s>", "</s>", "<unk>"}), "<pad>"]
    vocabulary = {piece: number for number, piece in enumerate(names)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    told = {"tokenizer_class": "MarianTokenizer", "source_lang": "zh", "target_lang": "en"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told), "utf-8")
    torch.manual_seed(0)
    pad = len(names) - 1
    model = MarianMTModel(MarianConfig(
        vocab_size=len(names), d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_position_embeddings=64, pad_token_id=pad, eos_token_id=0,
        decoder_start_token_id=pad, forced_eos_token_id=0, bad_words_ids=[[pad]], init_std=0.02,
    ))  # fmt: skip
    model.final_logits_bias[0, 0] = 3.0  # so that texts end
    model.save_pretrained(folder)
    return folder


# What is refused


def test_what_is_no_translator_is_refused_without_a_network(tmp_path, folder):
    classifier = save_classifier(tmp_path / "bert")
    empty = tmp_path / "empty"
    empty.mkdir()
    expected = "expected the folder or hub name of a sequence-to-sequence model"
    for name, sentence in {
        "": f"x.forward: {expected}, e.g. --set x.forward=Helsinki-NLP/opus-mt-en-de",
        "minilm": f"x.forward=minilm: that is an encoder; {expected}",
        "./nowhere": f"x.forward=./nowhere: no such folder; {expected}",
        str(classifier): f"x.forward={classifier}: a model of the kind 'bert'; {expected}",
        str(empty): (
            f"x.forward={empty}: the folder has no config.json; expected a model saved with "
            "save_pretrained, or a run's folder"
        ),
    }.items():
        assert refused(check_translators, {"x.forward": name}) == sentence
    check_translators({"x.forward": str(folder), "x.backward": "somebody/something"})


def test_a_hub_name_is_looked_for_in_the_cache_when_offline():
    found = refused(find_translators, {"x.forward": "nobody/nothing"}, True)
    assert found.startswith("x.forward=nobody/nothing: no folder of that name, not in the cache (")
    assert "and not had from the hub (--offline)" in found


def test_a_tokenizer_of_pieces_needs_a_library(tmp_path, monkeypatch):
    folder = save_pieces(tmp_path)
    real = libraries.is_installed
    monkeypatch.setattr(libraries, "is_installed", lambda m: m != "sentencepiece" and real(m))
    assert refused(check_translators, {"x.forward": str(folder)}) == (
        f"x.forward={folder}: its tokenizer needs sentencepiece: pip install "
        '"titlekit[sentencepiece]"'
    )


def test_weights_that_are_missing_are_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = save_translator(tmp_path, WORDS)
    weights = load_file(folder / "model.safetensors")
    gone = "model.encoder.layers.0.fc1.weight"
    save_file({k: v for k, v in weights.items() if k != gone}, folder / "model.safetensors")
    assert refused(run, TEXTS, folder) == (
        f"{folder}: the weights lack {gone}; expected those of config.json"
    )


def test_too_little_memory_is_one_line(folder, monkeypatch):
    class Full:
        def generate(self, **given):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(
        Exception, match=r"^no memory to translate 32 texts at once; set a smaller batch_size$"
    ):
        translation._generate(Full(), {}, HOW)
