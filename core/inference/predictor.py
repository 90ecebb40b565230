"""A saved classifier, ready to answer."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.encoding import clip
from ..data.labels import listed, positive_label
from ..data.repair import mend
from ..data.tokens import TextEncoder
from ..errors import DataError, RunError, UsageError, nearest
from ..run_folder import BAG, read_json
from ..unpadded import PADDED, Layout, layout_of
from .answers import Answers, answer
from .decision import Decision
from .scoring import score, softmax

if TYPE_CHECKING:
    import torch

_TRUNCATIONS = ("head", "tail", "head-tail")
GRAPH = "model.onnx"  # in the folder of an exported model, beside config.json
_MODEL = ("config.json", BAG)  # a folder with one of these is a model that is there


@dataclasses.dataclass(frozen=True)
class Input:
    """What a classifier was trained on, as its run.json says it."""

    max_length: int | None = None
    truncation: str = "head"
    text_columns: tuple[str, ...] = ()
    pair_column: str | None = None
    label_column: str | None = None
    positive: str | None = None
    fix_text: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Predictor:
    """A classifier with its tokenizer, its decision and the names of its columns."""

    model: Any = dataclasses.field(repr=False)
    encoder: TextEncoder = dataclasses.field(repr=False)
    device: torch.device
    labels: list[str]  # of the answers, in index order
    positive: str | None
    decision: Decision
    input: Input
    folder: Path | None  # of a titlekit run; None for any other model
    kinds: tuple[str, ...] = ()  # the model's own labels, where the answers sum several of them

    @property
    def classes(self) -> Sequence[str]:
        """The model's own labels, in index order."""
        return self.kinds or self.labels

    @property
    def max_length(self) -> int:
        """The longest input in tokens; what is longer is cut."""
        return self.encoder.max_length

    @property
    def truncation(self) -> str:
        """What is kept of a longer text: head, tail or head-tail."""
        return self.encoder.truncation

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns the texts came from in training; empty where that is not known."""
        return self.input.text_columns

    @property
    def pair_column(self) -> str | None:
        """The column of the second text in training."""
        return self.input.pair_column

    @property
    def label_column(self) -> str | None:
        """The column of the labels in training; None of a model of kinds, which answers others."""
        return None if self.kinds else self.input.label_column

    @property
    def fix_text(self) -> bool:
        """Whether the training rows were mended, so that texts are mended here too."""
        return self.input.fix_text

    def seen(self, texts: Sequence[str]) -> Sequence[str]:
        """Return texts as the model reads them: mended where its training rows were."""
        return [mend(text) for text in texts] if self.fix_text else texts

    @functools.cached_property
    def layout(self) -> Layout:
        """How rows lie in a batch: without padding where this model gives the same logits."""
        tokenizer = self.encoder.tokenizer
        left = tokenizer.padding_side == "left"
        return layout_of(self.model, self.max_length, tokenizer.pad_token_id or 0, left)

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return logits [N, C] float32 in the order of the texts, whatever stands beside them.

        C counts the model's own labels: kinds, where it was trained on these.
        """
        tokens = self.encoder(self.seen(texts), None if pairs is None else self.seen(pairs))
        layout = self.layout if tokens.lengths.min(initial=1) else PADDED  # no row without a token
        found = score(lambda inputs: self.model(**inputs).logits, tokens, self.device, layout)
        lost = len(found) - int(np.isfinite(found).all(axis=1).sum())
        if lost:
            raise RunError(
                f"the model's scores are not finite for {lost:,} of {len(found):,} texts: its "
                "weights are damaged or its training diverged"
            )
        return found.reshape(-1, len(self.classes))

    def probabilities(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return probabilities [N, C] float64 of the answers, the temperature applied."""
        return self.decision.sum_up(self.class_probabilities(texts, pairs), self.classes)

    def class_probabilities(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None
    ) -> np.ndarray:
        """Return probabilities [N, C] float64 of the model's own labels, temperature applied."""
        return softmax(self.logits(texts, pairs) / self.decision.temperature)

    def predict(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, blank_label: str = ""
    ) -> Answers:
        """Return a label and a score for every text, blank ones without a score."""
        return answer(self, self.seen(texts), pairs, blank_label)


def load_run(folder: str | Path, device: str = "auto", offline: bool = False) -> Predictor:
    """Return the classifier of a run's folder, of any transformers folder or of a hub name.

    No plugin and no code from the folder runs; what its JSON files say is checked. Raises
    UsageError for a folder that is no classifier, DataError for files that make no sense.
    """
    path = Path(folder)
    _refuse_path(path, str(folder))
    if (path / BAG).is_file():
        from .bag import load_bag

        return load_bag(path)
    if (path / GRAPH).is_file() and not any(path.glob("*.safetensors")):
        from .onnx import load_onnx

        return load_onnx(path, device)
    from ..device import pick_device
    from ..encoder import length_limit
    from ..models import load_classifier

    place = pick_device(device)
    # Resolved: a folder named like an alias is still the folder.
    model, tokenizer = load_classifier(str(path.resolve() if path.is_dir() else folder), offline)
    labels = classes_of(model.config, str(folder))
    told = read_input(path, labels)
    decision = read_decision(path, labels)
    limit = length_limit(model, tokenizer)
    kept = "tail" if tokenizer.truncation_side == "left" else "head"
    given = told or Input(positive=positive_label(labels, ""), truncation=kept)
    answers = list(decision.groups) or labels
    return Predictor(
        model=model.to(place),
        encoder=TextEncoder(tokenizer, min(given.max_length or limit, limit), given.truncation),
        device=place,
        labels=answers,
        positive=positive_label(answers, "") if decision.groups else given.positive,
        decision=decision,
        input=given,
        folder=path if told else None,
        kinds=tuple(labels) if decision.groups else (),
    )


def known_label(labels: Sequence[str], asked: str) -> str:
    """Return what --blank-label names, "" for nothing; UsageError where it is no label."""
    if asked and asked not in labels:
        hint = nearest(asked, labels)
        raise UsageError(f"--blank-label: no label {asked!r}{hint} (labels: {listed(labels)})")
    return asked


def read_decision(folder: Path, labels: Sequence[str]) -> Decision:
    """Return a folder's decision; DataError where its groups are not of the model's labels."""
    decision = Decision.read(folder)
    grouped = [label for group in decision.groups.values() for label in group]
    if grouped and sorted(grouped) != sorted(labels):
        raise DataError(
            f"{folder / 'decision.json'}: groups: expected the model's labels, each once "
            f"({listed(labels)}), got {listed(grouped)}"
        )
    return decision


def read_input(folder: Path, labels: Sequence[str]) -> Input | None:
    """Return what run.json says about the input, None for a folder that is no run's."""
    path = folder / "run.json"
    if not path.is_file():
        return None
    given = read_json(path).get("input")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise DataError(f"{path}: input: expected an object, got {clip(json.dumps(given))}")
    values = {field.name: given.get(field.name, field.default) for field in _FIELDS}
    for name, value in values.items():
        expected = _expected(name, value, labels)
        if expected:
            raise DataError(
                f"{path}: input.{name}: expected {expected}, got {clip(json.dumps(value))}"
            )
    values["text_columns"] = tuple(values["text_columns"])
    return Input(**values)


_FIELDS = dataclasses.fields(Input)


def _expected(name: str, value: Any, labels: Sequence[str]) -> str:
    """Return what should stand there where the value is not that, else nothing."""
    if name == "max_length":
        fits = value is None or (type(value) is int and value > 3)
        return "" if fits else "a whole number above 3"
    if name == "truncation":
        return "" if value in _TRUNCATIONS else " or ".join(_TRUNCATIONS)
    if name == "text_columns":
        fits = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        return "" if fits else "a list of names"
    if name == "fix_text":
        return "" if isinstance(value, bool) else "true or false"
    if name == "positive":
        return "" if value is None or value in labels else f"one of {listed(labels)}"
    return "" if value is None or isinstance(value, str) else "a name"


def _refuse_path(path: Path, spelled: str) -> None:
    """Refuse an unfinished run, and what is meant for a folder and is none: no name for the hub."""
    if path.is_dir():
        if any((path / name).is_file() for name in _MODEL):
            return
        if (path / "run.json").is_file():
            raise UsageError(
                f"{path}: this run is not finished; continue it: titlekit train --resume {path}"
            )
        inside = sorted(place.parent for name in _MODEL for place in path.glob(f"*/{name}"))
        if inside:
            raise UsageError(f"{path}: not the folder of a run; did you mean {str(inside[-1])!r}?")
        return
    if path.exists():
        raise UsageError(f"{path}: expected the folder of a run or of a model, not a file")
    local = path.is_absolute() or spelled.startswith(".")
    if local or (path.parent != Path(".") and path.parent.is_dir()):
        there = sorted(str(entry) for entry in path.parent.glob("*") if entry.is_dir())
        raise UsageError(f"{path}: no such folder{nearest(str(path), there)}")


def classes_of(config: Any, name: str) -> list[str]:
    """Return the class names in index order; UsageError for what is no classifier of one label."""
    heads = config.architectures or []
    if not any(head.endswith("ForSequenceClassification") for head in heads):
        raise UsageError(
            f"{name}: an encoder without a trained classifier; train one first: "
            f"titlekit train DATA --model {name}"
        )
    count = int(config.num_labels)
    if count < 2:
        raise UsageError(f"{name}: a regression model (one output); expected two classes or more")
    if config.problem_type == "multi_label_classification":
        raise UsageError(f"{name}: a multi-label model; expected one label for each text")
    labels = [str(config.id2label.get(number, "")) for number in range(count)]
    if len({*labels} - {""}) != count:
        raise DataError(f"{name}/config.json: id2label: expected {count} different names")
    return labels
