"""Which classifier, which file, which versions: what answers depend on, as short texts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from .bag import Bag
from .ensemble import Ensemble
from .onnx import Graph
from .predictor import Predictor

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.onnx")
# What a configuration says of where it was found, not of what is computed.
_ASIDE = ("_name_or_path", "transformers_version")


def members(by: Predictor | Ensemble) -> tuple[Predictor, ...]:
    """Return the classifiers that answer: one, or those of an ensemble."""
    return by.members if isinstance(by, Ensemble) else (by,)


def model_digest(by: Predictor | Ensemble) -> str:
    """Return a digest of all that a text's scores depend on: weights, tokenizer, cut, decision."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(_plain([by.classes, dataclasses.asdict(by.decision)]))
    for member in members(by):
        cut = [member.max_length, member.truncation, member.fix_text]
        digest.update(_plain([member.classes, dataclasses.asdict(member.decision), cut]))
        for part in _parts(member):
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
    return digest.hexdigest()


def describe_model(member: Predictor) -> dict[str, Any]:
    """Return the name of a classifier, the sha256 of its weights' file and how it reads texts.

    Of weights in several files it is that of the files end to end, in the order of their names.
    """
    folder = _folder(member)
    return {
        "model": None if folder is None else str(folder),
        "sha256": None if folder is None else _weights_sha256(folder),
        "max_length": None if isinstance(member.model, Bag) else member.max_length,
        "truncation": member.truncation,
        "fix_text": member.fix_text,
        "decision": dataclasses.asdict(member.decision),
    }


def describe_input(path: str) -> dict[str, Any]:
    """Return what tells a file from another one, or from itself when it has changed."""
    found = os.stat(path)
    return {"path": os.path.abspath(path), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def file_sha256(*paths: Path) -> str:
    """Return the sha256 of files, end to end."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while piece := stream.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


def versions(by: Predictor | Ensemble, also: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the versions of what computes the answers, and of the packages `also` named."""
    names = ["titlekit", "numpy", *also]
    for member in members(by):
        names += _computing(member.model)
    found = {name: metadata.version(name) for name in dict.fromkeys(names)}
    return {"python": platform.python_version(), **found}


def _computing(model: Any) -> list[str]:
    """Return the packages that compute a model's answers."""
    if isinstance(model, Bag):
        return ["scipy"]
    return ["onnxruntime" if isinstance(model, Graph) else "torch", "transformers", "tokenizers"]


def _folder(member: Predictor) -> Path | None:
    """Return where a classifier was loaded from; None of a bag of n-grams that is no run."""
    if isinstance(member.model, Graph):
        return member.model.path.parent
    named = getattr(getattr(member.model, "config", None), "_name_or_path", "")
    return member.folder or (Path(named) if named else None)


def _weights_sha256(folder: Path) -> str | None:
    found = (sorted(folder.glob(pattern)) for pattern in _WEIGHTS)
    paths = next(filter(None, found), [])
    return file_sha256(*paths) if paths else None


def _parts(member: Predictor) -> Iterator[Any]:
    """Yield the bytes of a classifier as it is in memory, which is what answers."""
    model = member.model
    if isinstance(model, Bag):
        for block in (*model.first, *model.second):
            yield _plain([dataclasses.asdict(block.grams), list(block.known)])
            yield block.idf.tobytes()
        yield _plain(len(model.second))
        yield model.coefficients.tobytes()
        yield model.intercepts.tobytes()
        return
    yield _tokenizer(member.encoder.tokenizer)
    if isinstance(model, Graph):
        for path in sorted(model.path.parent.glob(f"{model.path.name}*")):  # weights beside it
            yield file_sha256(path).encode()
        return
    config = model.config.to_dict()
    yield _plain({key: value for key, value in config.items() if key not in _ASIDE})
    yield from _tensors(model)


def _tensors(model: Any) -> Iterator[Any]:
    import torch

    for name, tensor in sorted(model.state_dict().items()):
        yield _plain([name, str(tensor.dtype), list(tensor.shape)])
        yield tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()


def _tokenizer(tokenizer: Any) -> bytes:
    if tokenizer.is_fast:
        backend = tokenizer.backend_tokenizer
        backend.no_padding()  # as it is set for each text
        backend.no_truncation()
        return str(backend.to_str()).encode("utf-8", "surrogatepass")
    return _plain([type(tokenizer).__name__, tokenizer.get_vocab(), tokenizer.init_kwargs])


def _plain(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, default=str).encode()
