"""A WordPiece tokenizer made from the training text by plain, deterministic counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def count_vocabulary(words: Iterable[str], size: int) -> list[str]:
    """Return a WordPiece vocabulary: special tokens, characters, then frequent words and pieces.

    Pieces are word beginnings (``inter``) and endings (``##ation``) of two to six characters.
    Sorted by count and then by text, so that it depends on nothing but the words.
    """
    whole = Counter(words)
    letters: Counter[str] = Counter()
    pieces: Counter[str] = Counter()
    for word, count in whole.items():
        for place, letter in enumerate(word):
            letters[letter if place == 0 else "##" + letter] += count
            letters["##" + letter] += 0
            letters[letter] += 0
        for length in range(2, min(7, len(word))):
            pieces[word[:length]] += count
            pieces["##" + word[-length:]] += count
    # A piece must earn its place beside whole words: it needs many words that share it.
    candidates = Counter({word: count for word, count in whole.items() if count > 1})
    for piece, count in pieces.items():
        candidates[piece] = max(candidates[piece], count // 8)
    chosen = _ranked(letters)[: size // 2]
    known = {*SPECIAL, *chosen}
    for text in _ranked(candidates):
        if len(chosen) + len(SPECIAL) >= size:
            break
        if text not in known and candidates[text] > 0:
            chosen.append(text)
            known.add(text)
    return [*SPECIAL, *chosen]


def make_tokenizer(texts: Iterable[str], size: int = 8000) -> Any:
    """Return a BERT-style, lower-casing transformers tokenizer whose vocabulary fits `texts`."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words = (
        word
        for text in texts
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
    )
    vocabulary = {piece: place for place, piece in enumerate(count_vocabulary(words, size))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    make: Any = PreTrainedTokenizerFast  # its class has no typed constructor
    return make(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        model_max_length=512,
    )


def _ranked(counts: Counter[str]) -> list[str]:
    return [text for text, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
