"""What a model's tokenizer needs beside titlekit, told before anything is loaded."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import UsageError

# Where they are not named as what is imported.
_MODULES = {"protobuf": "google.protobuf", "unidic-lite": "unidic_lite"}
_EXTRA = ("sentencepiece", "protobuf")  # titlekit's extra of that name brings these
# By the tokenizer's class or, where none is named, by the kind of model.
_OTHERS = {
    "biogpt": "sacremoses", "flaubert": "sacremoses", "roformer": "rjieba", "xlm": "sacremoses",
}  # fmt: skip
_SPLITTERS = {"mecab": "fugashi", "sudachi": "sudachipy", "jumanpp": "rhoknp"}


def is_installed(module: str) -> bool:
    """Return whether a module could be imported; nothing is imported but the package above it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package above it is missing
        return False


def check_libraries(folder: Path, said: str) -> None:
    """Refuse a model whose tokenizer needs a library that is missing; `said` begins the error.

    Only names of files and two small JSON files are read.
    """
    missing = [name for name in _needed(folder) if not is_installed(_MODULES.get(name, name))]
    if not missing:
        return
    extra = all(name in _EXTRA for name in missing)
    command = '"titlekit[sentencepiece]"' if extra else " ".join(missing)
    raise UsageError(f"{said}: its tokenizer needs {' and '.join(missing)}: pip install {command}")


def _needed(folder: Path) -> Iterator[str]:
    told = {**_read(folder / "config.json"), **_read(folder / "tokenizer_config.json")}
    named = str(told.get("tokenizer_class") or "").removesuffix("Fast").removesuffix("Tokenizer")
    kind = (named or str(told.get("model_type"))).lower()
    if kind == "bertjapanese":
        yield from _japanese(told)
    elif kind in _OTHERS:
        yield _OTHERS[kind]
    elif not (folder / "tokenizer.json").is_file():
        if (folder / "tiktoken.model").is_file():
            yield "tiktoken"
        elif any(folder.glob("*.model")):
            yield from _EXTRA  # the pieces are read from the file by both
        elif any(folder.glob("*.spm")):
            yield "sentencepiece"  # Marian's pieces, of either language


def _japanese(told: dict[str, Any]) -> Iterator[str]:
    """What splits words, its dictionary, and what splits them further."""
    splitter = str(told.get("word_tokenizer_type", "basic"))
    if splitter in _SPLITTERS:
        yield _SPLITTERS[splitter]
    if splitter == "mecab":
        named = (told.get("mecab_kwargs") or {}).get("mecab_dic", "unidic_lite")
        yield from [str(named).replace("_", "-")] if named else []
    if told.get("subword_tokenizer_type") == "sentencepiece":
        yield "sentencepiece"


def _read(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, empty where there is none: loading says what is wrong."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
