"""Texts through a model that reads one text and writes another, such as a translator."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RunError, UsageError
from ..models import ALIASES, resolve
from ..run_folder import read_json
from ..weights import load_tokenizer, load_weights
from .stream import progress_bar

if TYPE_CHECKING:
    import torch

_EXPECTED = "expected the folder or hub name of a sequence-to-sequence model"


@dataclasses.dataclass(frozen=True)
class Decoding:
    """How a text is written: the likeliest that a search finds, or drawn at a temperature."""

    num_beams: int = 1
    temperature: float = 0.0  # 0: search; above 0: tokens are drawn
    max_length: int = 128  # tokens, of what is read and of what is written
    batch_size: int = 32


def check_translators(models: Mapping[str, str]) -> None:
    """Refuse names that cannot be translators', without a network.

    `models`: option -> folder or hub name; the option begins the error.
    """
    for said, name in models.items():
        if not name:
            raise UsageError(f"{said}: {_EXPECTED}, e.g. --set {said}=Helsinki-NLP/opus-mt-en-de")
        if name in ALIASES:
            raise UsageError(f"{said}={name}: that is an encoder; {_EXPECTED}")
        if Path(name).is_dir():
            find_translators({said: name}, offline=True)
        elif name.startswith((".", "/", "~")):
            raise UsageError(f"{said}={name}: no such folder; {_EXPECTED}")


def find_translators(models: Mapping[str, str], offline: bool) -> list[Path]:
    """Return the folders of sequence-to-sequence models, downloading them if need be.

    Raises UsageError for a model that cannot be had or is of another kind.
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as KINDS,
    )

    found = []
    for said, name in models.items():
        folder = resolve(name, offline, f"{said}=").folder
        assert folder is not None  # only an alias has none
        kind = read_json(folder / "config.json").get("model_type")
        if kind not in KINDS:
            raise UsageError(f"{said}={name}: a model of the kind {kind!r}; {_EXPECTED}")
        found.append(folder)
    return found


def there_and_back(
    texts: Sequence[str], folders: Sequence[Path], device: str, how: Decoding, seed: int
) -> dict[str, str]:
    """Return each text's way through the models, one after the other, with a bar.

    "" where a model writes nothing whole. One model is in memory at a time.
    """
    found = {text: text for text in texts}
    with progress_bar(len(texts) * len(folders)) as bar:
        for folder in folders:
            left = [text for text in texts if found[text]]
            bar.update(len(texts) - len(left))
            passed = [found[text] for text in left]
            found |= zip(
                left, translate(passed, folder, device, how, seed, bar.update), strict=True
            )
    return found


def translate(
    texts: Sequence[str],
    folder: Path,
    device: str,
    how: Decoding,
    seed: int,
    advance: Callable[[int], object],
) -> list[str]:
    """Return what the model in a folder writes for each text, "" where that is nothing whole.

    Texts of more tokens than `how.max_length` are not read, and what would be longer is not
    taken. The model computes in float32, is loaded for this call and freed after it; torch's
    random streams stay as they were. advance(n) is called when n texts more are done.
    """
    import torch
    from transformers import AutoModelForSeq2SeqLM

    found = [""] * len(texts)
    if not found:
        return found
    with torch.random.fork_rng([torch.device(device)] if device.startswith("cuda") else []):
        model, report = load_weights(folder, AutoModelForSeq2SeqLM, "a translator")
        if report["missing_keys"]:
            first = min(report["missing_keys"])
            raise UsageError(f"{folder}: the weights lack {first}; expected those of config.json")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Marian's recommends a package it works without
            tokenizer = load_tokenizer(folder)
        model.to(device).eval()
        torch.manual_seed(seed)
        ids = tokenizer(list(texts)).input_ids
        fitting = [row for row, tokens in enumerate(ids) if len(tokens) <= how.max_length]
        advance(len(texts) - len(fitting))
        fitting.sort(key=lambda row: len(ids[row]))  # stable; so little is padded
        for start in range(0, len(fitting), how.batch_size):
            rows = fitting[start : start + how.batch_size]
            inputs = _padded([ids[row] for row in rows], tokenizer.pad_token_id or 0, device)
            written = _generate(model, inputs, how)
            decoded = tokenizer.batch_decode(written, skip_special_tokens=True)
            for row, text, whole in zip(rows, decoded, _whole(model, written, how), strict=True):
                found[row] = text.strip() if whole else ""
            advance(len(rows))
    return found


def _padded(ids: list[list[int]], pad: int, device: str) -> dict[str, torch.Tensor]:
    import torch

    width = max(map(len, ids))
    values = np.full((len(ids), width), pad, np.int64)
    mask = np.zeros((len(ids), width), np.int64)
    for row, tokens in enumerate(ids):
        values[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    arrays = {"input_ids": values, "attention_mask": mask}
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def _generate(model: Any, inputs: dict[str, torch.Tensor], how: Decoding) -> torch.Tensor:
    import torch

    drawn: dict[str, Any] = {"do_sample": False}
    if how.temperature:
        drawn = {"do_sample": True, "temperature": how.temperature, "top_k": 0, "top_p": 1.0}
    try:
        with torch.inference_mode():
            written: torch.Tensor = model.generate(
                **inputs, **drawn, num_beams=how.num_beams, max_new_tokens=how.max_length
            )
    except torch.OutOfMemoryError as error:
        raise RunError(
            f"no memory to translate {how.batch_size} texts at once; set a smaller batch_size"
        ) from error
    return written


def _whole(model: Any, written: torch.Tensor, how: Decoding) -> list[bool]:
    """Return which texts end by themselves, and not because they reached the longest length."""
    ends = np.atleast_1d(model.generation_config.eos_token_id)
    # The first token starts the decoder, and the last may be an end that was forced.
    inner = written[:, 1 : how.max_length].cpu().numpy()
    return [bool(np.isin(tokens, ends).any()) for tokens in inner]
