"""A trained model as bytes: the files that its folder would hold, by name."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from .data.tokens import TextEncoder

_WEIGHTS, _CONFIG, _INPUT = "model.safetensors", "config.json", "input.json"


def pack(model: Any, encoder: TextEncoder) -> dict[str, bytes]:
    """Return weights as safetensors, all else as JSON and the tokenizer's own files."""
    from safetensors.torch import save

    with tempfile.TemporaryDirectory() as folder:  # tokenizers save to folders only
        encoder.tokenizer.save_pretrained(folder)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}
    # Copies: safetensors refuses tensors that share memory.
    weights = {
        name: tensor.detach().cpu().clone().contiguous()
        for name, tensor in model.state_dict().items()
    }
    told = {"max_length": encoder.max_length, "truncation": encoder.truncation}
    return {
        **files,
        _WEIGHTS: save(weights, {"format": "pt"}),
        _CONFIG: model.config.to_json_string().encode(),
        _INPUT: json.dumps(told).encode(),
    }


def unpack(files: dict[str, bytes]) -> tuple[Any, TextEncoder]:
    """Return the model, in evaluation mode on the CPU, and the encoder that were packed."""
    import torch
    from safetensors.torch import load
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    config = AutoConfig.for_model(**json.loads(files[_CONFIG]))
    with torch.random.fork_rng(devices=[]):  # the weights drawn here are replaced at once
        model = AutoModelForSequenceClassification.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False
        )
    model.load_state_dict(load(files[_WEIGHTS]))
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted({*files} - {_WEIGHTS, _INPUT}):
            Path(folder, Path(name).name).write_bytes(files[name])
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    return model.eval(), TextEncoder(tokenizer, **json.loads(files[_INPUT]))
