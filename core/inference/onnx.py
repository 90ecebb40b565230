"""A classifier that was exported: onnxruntime computes it, without torch or transformers."""

from __future__ import annotations

import dataclasses
import json
import os
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.encoding import clip
from ..data.extras import need
from ..data.labels import positive_label
from ..data.plans import scoring_batches
from ..data.tokens import TextEncoder, Tokens
from ..errors import DataError, RunError, UsageError
from ..run_folder import read_json
from .predictor import GRAPH, Input, Predictor, classes_of, read_decision, read_input

EXPORT = "export.json"  # says that titlekit made the folder, and how

# Padded tokens a batch: what a layer computes then stays in the processor's cache.
_BUDGET = 512


@dataclasses.dataclass(frozen=True)
class PlainTokenizer:
    """tokenizer.json as it was exported; the names are transformers' own."""

    backend_tokenizer: Any
    pad_token_id: int
    padding_side: str
    truncation_side: str
    model_max_length: int
    model_input_names: tuple[str, ...]
    is_fast: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """A graph in onnxruntime, which takes padded rows and gives logits [N, C]."""

    session: Any
    inputs: tuple[str, ...]
    config: dict[str, Any]  # config.json
    path: Path

    def logits(self, tokens: Tokens) -> np.ndarray:
        """Return logits [N, C] float32 in row order, rows of similar length together."""
        batches = scoring_batches(tokens.lengths, _BUDGET)
        found = [self._batch(tokens.padded(rows)) for rows in batches]
        if not found:
            return np.zeros((0, 0), np.float32)
        result = np.empty((len(tokens), found[0].shape[1]), np.float32)
        result[np.concatenate(batches)] = np.concatenate(found)
        return result

    def _batch(self, padded: dict[str, np.ndarray]) -> np.ndarray:
        given = {name: padded[name] for name in self.inputs}
        logits: np.ndarray = self.session.run(None, given)[0]
        return logits


@dataclasses.dataclass(frozen=True, eq=False)
class OnnxPredictor(Predictor):
    """A graph with its tokenizer, its decision and the names of its columns; on the CPU."""

    device: Any  # "cpu", as a word

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return logits [N, C] float32 in the order of the texts, whatever stands beside them."""
        tokens = self.encoder(self.seen(texts), None if pairs is None else self.seen(pairs))
        found: np.ndarray = self.model.logits(tokens).reshape(-1, len(self.classes))
        lost = len(found) - int(np.isfinite(found).all(axis=1).sum())
        if lost:
            raise RunError(
                f"{self.model.path}: the scores are not finite for {lost:,} of {len(found):,} "
                "texts; export the run again"
            )
        return found


def load_onnx(folder: Path, device: str = "auto") -> Predictor:
    """Return the classifier of a folder with model.onnx, config.json and a tokenizer.

    DataError for files that make no sense, UsageError for a device that is not the CPU.
    """
    if device not in ("auto", "cpu"):
        raise UsageError(f"{folder}: an exported model computes on the CPU; leave out --device")
    config = read_json(folder / "config.json")
    labels = classes_of(_like_transformers(config, folder), str(folder))
    graph = open_graph(folder / GRAPH, config, len(labels))
    tokenizer = _tokenizer(folder, graph.inputs, config)
    told = read_input(folder, labels)
    decision = read_decision(folder, labels)
    limit = tokenizer.model_max_length if tokenizer.model_max_length < 1_000_000 else 512
    kept = "tail" if tokenizer.truncation_side == "left" else "head"
    given = told or Input(positive=positive_label(labels, ""), truncation=kept)
    grouped = list(decision.groups)
    return OnnxPredictor(
        model=graph,
        encoder=TextEncoder(tokenizer, min(given.max_length or limit, limit), given.truncation),
        device="cpu", labels=grouped or labels,
        positive=positive_label(grouped, "") if grouped else given.positive,
        decision=decision, input=given, folder=folder if told else None,
        kinds=tuple(labels) if grouped else (),
    )  # fmt: skip


def open_graph(path: Path, config: dict[str, Any], classes: int) -> Graph:
    """Return a graph ready to compute on all cores, or on OMP_NUM_THREADS of them."""
    runtime = need("onnxruntime", "onnx", str(path))
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3  # what onnxruntime changes in a graph is no news to a person
    try:
        session = runtime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own have no common class
        first = " ".join(str(error).split())
        raise DataError(
            f"{path}: onnxruntime cannot read it ({clip(first)}); export the run again"
        ) from None
    inputs = tuple(one.name for one in session.get_inputs())
    shape = session.get_outputs()[0].shape
    if not {*inputs} <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise DataError(f"{path}: expected a text classifier, got one of {', '.join(inputs)}")
    if len(shape) != 2 or (isinstance(shape[1], int) and shape[1] != classes):
        raise DataError(
            f"{path}: expected logits of {classes} labels, as config.json has, got the shape "
            f"{clip(str(shape))}"
        )
    return Graph(session, inputs, config, path)


def threads() -> int:
    """Return how many threads compute: OMP_NUM_THREADS, else as many as there are cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _like_transformers(config: dict[str, Any], folder: Path) -> types.SimpleNamespace:
    """Return config.json as transformers reads it, whose own configurations import torch."""
    names = config.get("id2label", {"0": "LABEL_0", "1": "LABEL_1"})
    plain = isinstance(names, dict) and all(key.isdigit() for key in names)
    if not plain or not isinstance(heads := config.get("architectures") or [], list):
        raise DataError(
            f"{folder}/config.json: id2label, architectures: not as transformers has it"
        )
    return types.SimpleNamespace(
        architectures=[str(head) for head in heads], problem_type=config.get("problem_type"),
        num_labels=len(names), id2label={int(key): name for key, name in names.items()},
    )  # fmt: skip


def _tokenizer(folder: Path, inputs: Sequence[str], config: dict[str, Any]) -> Any:
    """Return the tokenizer: the plain one of our own folders, which was checked against the run.

    A stranger's file is read by transformers, which knows what each family's leaves unsaid.
    """
    if not (folder / EXPORT).is_file() or not (folder / "tokenizer.json").is_file():
        from ..weights import load_tokenizer

        tokenizer = load_tokenizer(folder)
        tokenizer.model_input_names = list(inputs)
        return tokenizer
    from tokenizers import Tokenizer

    told = read_json(folder / "tokenizer_config.json")
    try:
        backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
        pad = backend.token_to_id(str(told.get("pad_token")))
        pad = config.get("pad_token_id") if pad is None else pad
        return PlainTokenizer(
            backend_tokenizer=backend, pad_token_id=int(pad or 0),
            padding_side=str(told.get("padding_side", "right")),
            truncation_side=str(told.get("truncation_side", "right")),
            model_max_length=int(told["model_max_length"]), model_input_names=tuple(inputs),
        )  # fmt: skip
    except Exception as error:  # the tokenizers library raises plain ones
        reason = clip(" ".join(str(error).split()))
        raise DataError(
            f"{folder}: its tokenizer is not as titlekit wrote it ({reason}); export the run again"
        ) from None


def read_export(folder: Path) -> dict[str, Any]:
    """Return what export.json says; nothing where there is none, or none that can be read."""
    try:
        found = json.loads((folder / EXPORT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
