"""Tiny random encoders of the families people use, each with a tokenizer of its own kind."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from titlekit.core.data.synthetic import make_titles
from titlekit.core.data.vocabulary import count_vocabulary

SIZE = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 66,
    "initializer_range": 0.3,  # wide, so that random encoders tell texts apart
}  # fmt: skip
# The place of the padding token sets where RoBERTa and its kin begin to count positions.
KIN = {**SIZE, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
DEBERTA = {
    **SIZE, "relative_attention": True, "max_relative_positions": -1, "position_buckets": 8,
    "norm_rel_ebd": "layer_norm", "share_att_key": True, "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False, "type_vocab_size": 0, "pooler_hidden_size": 16,
    "pooler_hidden_act": "gelu", "pooler_dropout": 0,
}  # fmt: skip
MODERN = {
    **SIZE, "local_attention": 8, "global_attn_every_n_layers": 2, "pad_token_id": 3,
    "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2,
    "classifier_pooling": "mean",
}  # fmt: skip
DISTIL = {
    "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 66,
    "initializer_range": 0.3,
}  # fmt: skip


@functools.cache
def titles() -> list[str]:
    """The texts that all vocabularies are made from."""
    return make_titles(300, 1)[0]


def words_of(texts: list[str]) -> list[str]:
    return [word for text in texts for word in text.lower().split()]


def word_pieces(folder: Path, special: dict[int, str] | None = None, **told: Any) -> int:
    """vocab.txt, as BERT's repositories have it."""
    pieces = count_vocabulary(words_of(titles()), 400)
    for place, name in (special or {}).items():
        pieces[place] = name
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", "utf-8")
    return _told(folder, len(pieces), **told)


def mpnet_pieces(folder: Path) -> int:
    """vocab.txt with RoBERTa's special tokens, which MPNet has."""
    names = {0: "<s>", 1: "<pad>", 2: "</s>", 3: "[UNK]", 4: "<mask>"}
    return word_pieces(folder, names, tokenizer_class="MPNetTokenizer", model_max_length=512)


def byte_pairs(folder: Path) -> int:
    """vocab.json and merges.txt, as RoBERTa's repositories have them."""
    from tokenizers import ByteLevelBPETokenizer

    tokenizer = ByteLevelBPETokenizer()
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(titles(), 600, 2, show_progress=False, special_tokens=names)
    tokenizer.save_model(str(folder))
    return _told(folder, tokenizer.get_vocab_size())


def modern_pairs(folder: Path) -> int:
    """tokenizer.json alone, with padding and truncation of its own, as a repository may have it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    names = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=names, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(titles(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )  # fmt: skip
    tokenizer.enable_truncation(7)
    tokenizer.enable_padding(length=9, pad_id=3, pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
    return _told(
        folder, tokenizer.get_vocab_size(), tokenizer_class="PreTrainedTokenizerFast",
        model_input_names=["input_ids", "attention_mask"], model_max_length=8192,
        cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]",
        mask_token="[MASK]",
    )  # fmt: skip


@functools.cache
def _pieces(**options: Any) -> bytes:
    import sentencepiece

    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(titles()), model_writer=stream, vocab_size=300,
        hard_vocab_limit=False, num_threads=1, minloglevel=2, **options,
    )  # fmt: skip
    return stream.getvalue()


def sentence_pieces(name: str, more: int, told: dict[str, Any], **options: Any) -> Callable:
    """A model of sentencepiece in one file `name`, and no tokenizer.json.

    `more`: tokens that the tokenizer adds to the pieces.
    """

    def write(folder: Path) -> int:
        import sentencepiece

        model = _pieces(**options)
        (folder / name).write_bytes(model)
        size = sentencepiece.SentencePieceProcessor(model_proto=model).get_piece_size()
        return _told(folder, size + more, **told)

    return write


def _told(folder: Path, size: int, **told: Any) -> int:
    """Write tokenizer_config.json, where there is something to tell; return the vocabulary."""
    if told:
        (folder / "tokenizer_config.json").write_text(json.dumps(told), "utf-8")
    return size


BRACKETS = {
    "pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3,
    "pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]",
}  # fmt: skip
ALBERT = {
    "pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1,
    "control_symbols": "[CLS],[SEP],[MASK]",
}  # fmt: skip
XLNET = {
    "unk_id": 0, "bos_id": 1, "eos_id": 2,
    "control_symbols": "<cls>,<sep>,<pad>,<mask>,<eod>,<eop>",
}  # fmt: skip
# Family -> transformers' prefix, pretraining class, configuration, and what writes the tokenizer.
# The files are those of each family's own repositories.
FAMILIES: dict[str, tuple[str, str, dict[str, Any], Callable[[Path], int]]] = {
    "bert": ("Bert", "ForPreTraining", SIZE, functools.partial(word_pieces, do_lower_case=True)),
    "roberta": ("Roberta", "ForMaskedLM", KIN, byte_pairs),
    "xlm-roberta": (
        "XLMRoberta", "ForMaskedLM", KIN,
        sentence_pieces("sentencepiece.bpe.model", 2, {}),
    ),
    "distilbert": (
        "DistilBert", "ForMaskedLM", DISTIL,
        functools.partial(word_pieces, do_lower_case=True, model_max_length=512),
    ),
    "electra": (
        "Electra", "ForPreTraining", {**SIZE, "embedding_size": 8},
        functools.partial(word_pieces, do_lower_case=True, model_max_length=512),
    ),
    "albert": (
        "Albert", "ForMaskedLM",
        {**SIZE, "embedding_size": 8, "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0},
        sentence_pieces("spiece.model", 0, {}, **ALBERT),
    ),
    "deberta-v2": (
        "DebertaV2", "ForMaskedLM", {**DEBERTA, "conv_kernel_size": 3},
        sentence_pieces("spm.model", 1, {"do_lower_case": False}, **BRACKETS),
    ),
    "deberta-v3": (
        "DebertaV2", "ForMaskedLM", DEBERTA,
        sentence_pieces("spm.model", 1, {"do_lower_case": False, "vocab_type": "spm"}, **BRACKETS),
    ),
    "modernbert": ("ModernBert", "ForMaskedLM", MODERN, modern_pairs),
    "mpnet": ("MPNet", "ForMaskedLM", {**KIN}, mpnet_pieces),
    "camembert": (
        "Camembert", "ForMaskedLM", KIN,
        sentence_pieces("sentencepiece.bpe.model", 5, {}),
    ),
}  # fmt: skip
# Not proven throughout; what is special about it is.
OTHERS: dict[str, tuple[str, str, dict[str, Any], Callable[[Path], int]]] = {
    "xlnet": (
        "XLNet", "LMHeadModel",
        {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32, "initializer_range": 0.3},
        sentence_pieces("spiece.model", 0, {}, **XLNET),
    ),
}  # fmt: skip


def save_family(name: str, folder: Path, **changes: Any) -> Path:
    """Save a random pretrained encoder of a family, as its own repository holds it."""
    import torch
    import transformers

    prefix, kind, values, write = {**FAMILIES, **OTHERS}[name]
    folder.mkdir(parents=True, exist_ok=True)
    size = write(folder)
    torch.manual_seed(0)
    config = getattr(transformers, f"{prefix}Config")(**{"vocab_size": size, **values, **changes})
    getattr(transformers, f"{prefix}{kind}")(config).save_pretrained(folder)
    return folder
