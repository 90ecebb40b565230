"""Tiny random translators, each with a tokenizer made on the spot."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from titlekit.core.weights import quiet

# What the trainers of steps.py and of the authors' kit read: words that are token numbers.
NUMBERS = [str(number) for number in range(5, 60)]


@functools.cache
def number_translator() -> str:
    """The folder of a translator between numbers, the same for all tests of a process."""
    folder = tempfile.mkdtemp(prefix="titlekit-translator-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(save_translator(Path(folder), NUMBERS, length=2))


def save_translator(folder: Path, words: list[str], seed: int = 0, length: int = 4) -> Path:
    """Save a random BART over these words, whose likeliest texts all have `length` tokens."""
    import torch
    from transformers import BartConfig, BartForConditionalGeneration

    quiet()
    torch.manual_seed(seed)
    tokenizer = word_tokenizer(words)
    size = {"encoder_layers": 1, "decoder_layers": 1}
    size |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    size |= {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64}
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=16, **size, pad_token_id=0, eos_token_id=1,
        bos_token_id=1, decoder_start_token_id=0, forced_eos_token_id=1, init_std=0.25,
    )  # fmt: skip
    model = BartForConditionalGeneration(config)
    with torch.no_grad():
        # From this place on the end is by far the likeliest token: random weights never end.
        table = model.model.shared.weight.normal_()
        table[1] *= 2
        places = model.model.decoder.embed_positions.weight
        places[: 2 + length] -= table[1]
        places[2 + length :] = 30 * table[1]
    folder.mkdir(exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def word_tokenizer(words: list[str]):
    """A tokenizer of whole words between spaces, which puts an end behind them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["<pad>", "</s>", "<unk>"]
    vocabulary = {word: number for number, word in enumerate([*names, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip
