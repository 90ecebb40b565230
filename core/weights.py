"""What is read of a model's folder, and how: safetensors first, and nothing is unpickled."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from .errors import UsageError

log = logging.getLogger("titlekit")


def quiet() -> None:
    """Let transformers keep its bars and warnings to itself."""
    import transformers

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def load_weights(folder: Path, auto: Any, kind: str, **more: Any) -> tuple[Any, Any]:
    """Return (model in float32, report of what was loaded) by one of transformers' Auto classes.

    `kind` says in errors what the folder should hold. A pytorch_model.bin is read where there are
    no safetensors, weights only and from torch 2.10 on. No code of the folder runs.
    """
    import torch

    quiet()
    safe = bool(list(folder.glob("model*.safetensors")))
    if not safe:
        if not list(folder.glob("pytorch_model*.bin")):
            raise UsageError(f"{folder}: no weights; expected model.safetensors")
        version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
        if version < (2, 10):
            raise UsageError(
                f"{folder} has only pytorch_model.bin, which is read safely from torch 2.10 on; "
                f"this is torch {torch.__version__}: upgrade, or convert it to safetensors"
            )
        log.info("%s has no safetensors file: pytorch_model.bin is read, weights only", folder)
    try:
        # Stored half precision would compute in half precision: float32, whatever was stored.
        model, report = auto.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=safe, trust_remote_code=False,
            local_files_only=True, weights_only=True, output_loading_info=True, **more,
        )  # fmt: skip
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise UsageError(f"{folder}: cannot load it as {kind}: {first}") from error
    return model, report


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a model's folder; UsageError where it cannot be loaded."""
    from transformers import AutoTokenizer

    quiet()
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # the tokenizers library raises plain ones
        first = str(error).strip().splitlines()[0]
        raise UsageError(f"{folder}: cannot load its tokenizer: {first}") from error
