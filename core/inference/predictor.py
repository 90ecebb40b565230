"""A saved classifier, ready to answer."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.columns import is_blank
from ..data.encoding import clip
from ..data.labels import listed, positive_label
from ..data.tokens import TextEncoder
from ..errors import DataError, RunError, UsageError, nearest
from ..run_folder import read_json
from .decision import Decision
from .scoring import score

if TYPE_CHECKING:
    import torch

_TRUNCATIONS = ("head", "tail", "head-tail")


@dataclasses.dataclass(frozen=True)
class Input:
    """What a classifier was trained on, as its run.json says it."""

    max_length: int | None = None
    truncation: str = "head"
    text_columns: tuple[str, ...] = ()
    pair_column: str | None = None
    label_column: str | None = None
    positive: str | None = None


@dataclasses.dataclass(frozen=True)
class Answers:
    """One answer a text; a blank text has the label "" (or the one asked for) and a nan score."""

    labels: list[str]
    scores: np.ndarray  # [N] probability of the predicted label
    probabilities: np.ndarray  # [N, C]
    predicted: np.ndarray  # [N] class numbers, -1 for blank texts


@dataclasses.dataclass(frozen=True, eq=False)
class Predictor:
    """A classifier with its tokenizer, its decision and the names of its columns."""

    model: Any = dataclasses.field(repr=False)
    encoder: TextEncoder = dataclasses.field(repr=False)
    device: torch.device
    labels: list[str]  # in index order
    positive: str | None
    decision: Decision
    input: Input
    folder: Path | None  # of a titlekit run; None for any other model

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
        """The column of the labels in training."""
        return self.input.label_column

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return logits [N, C] float32 in the order of the texts, whatever stands beside them."""
        tokens = self.encoder(texts, pairs)
        found = score(lambda inputs: self.model(**inputs).logits, tokens, self.device)
        lost = len(found) - int(np.isfinite(found).all(axis=1).sum())
        if lost:
            raise RunError(
                f"the model's scores are not finite for {lost:,} of {len(found):,} texts: its "
                "weights are damaged or its training diverged"
            )
        return found.reshape(-1, len(self.labels))

    def probabilities(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return probabilities [N, C] float64, the decision's temperature applied."""
        return self._decide(self.logits(texts, pairs))[0]

    def predict(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, blank_label: str = ""
    ) -> Answers:
        """Return a label and a score for every text, blank ones without a score."""
        return answer(self._answer, self.labels, texts, pairs, blank_label)

    def _answer(
        self, texts: Sequence[str], pairs: Sequence[str] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._decide(self.logits(texts, pairs))

    def _decide(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        positive = None if self.positive is None else self.labels.index(self.positive)
        return self.decision.apply(logits, positive)


def answer(
    decide: Callable[[Sequence[str], Sequence[str] | None], tuple[np.ndarray, np.ndarray]],
    labels: Sequence[str],
    texts: Sequence[str],
    pairs: Sequence[str] | None,
    blank_label: str,
) -> Answers:
    """Return the answers to texts, blank ones without a score.

    decide(texts, pairs) gives (probabilities [N, C], class numbers [N]) of texts that are not.
    """
    if isinstance(texts, str):
        raise UsageError("predict takes a list of texts, and got one text; write [text]")
    titled = np.array([not is_blank(text) for text in texts], bool)
    rows = np.flatnonzero(titled)
    first = list(itertools.compress(texts, titled))
    second = None if pairs is None else list(itertools.compress(pairs, titled))
    found, chosen = decide(first, second)
    probabilities = np.full((len(texts), len(labels)), np.nan)
    probabilities[rows] = found
    scores = np.full(len(texts), np.nan)
    scores[rows] = found[np.arange(len(rows)), chosen]
    predicted = np.full(len(texts), -1, np.int64)
    predicted[rows] = chosen
    names = [labels[number] if number >= 0 else blank_label for number in predicted.tolist()]
    return Answers(names, scores, probabilities, predicted)


def load_run(folder: str | Path, device: str = "auto", offline: bool = False) -> Predictor:
    """Return the classifier of a run's folder, of any transformers folder or of a hub name.

    No plugin and no code from the folder runs; what its JSON files say is checked. Raises
    UsageError for a folder that is no classifier, DataError for files that make no sense.
    """
    path = Path(folder)
    _refuse_path(path, str(folder))
    from ..device import pick_device
    from ..encoder import length_limit
    from ..models import load_classifier

    place = pick_device(device)
    # Resolved: a folder named like an alias is still the folder.
    model, tokenizer = load_classifier(str(path.resolve() if path.is_dir() else folder), offline)
    labels = _labels(model.config, str(folder))
    told = read_input(path, labels)
    limit = length_limit(model, tokenizer)
    kept = "tail" if tokenizer.truncation_side == "left" else "head"
    given = told or Input(positive=positive_label(labels, ""), truncation=kept)
    return Predictor(
        model=model.to(place),
        encoder=TextEncoder(tokenizer, min(given.max_length or limit, limit), given.truncation),
        device=place,
        labels=labels,
        positive=given.positive,
        decision=Decision.read(path),
        input=given,
        folder=path if told else None,
    )


def known_label(labels: Sequence[str], asked: str) -> str:
    """Return what --blank-label names, "" for nothing; UsageError where it is no label."""
    if asked and asked not in labels:
        hint = nearest(asked, labels)
        raise UsageError(f"--blank-label: no label {asked!r}{hint} (labels: {listed(labels)})")
    return asked


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
    if name == "positive":
        return "" if value is None or value in labels else f"one of {listed(labels)}"
    return "" if value is None or isinstance(value, str) else "a name"


def _refuse_path(path: Path, spelled: str) -> None:
    """Refuse an unfinished run, and what is meant for a folder and is none: no name for the hub."""
    if path.is_dir():
        if (path / "run.json").is_file() and not (path / "config.json").is_file():
            raise UsageError(
                f"{path}: this run is not finished; continue it: titlekit train --resume {path}"
            )
        inside = sorted(place.parent for place in path.glob("*/config.json"))
        if inside and not (path / "config.json").is_file():
            raise UsageError(f"{path}: not the folder of a run; did you mean {str(inside[-1])!r}?")
        return
    if path.exists():
        raise UsageError(f"{path}: expected the folder of a run or of a model, not a file")
    local = path.is_absolute() or spelled.startswith(".")
    if local or (path.parent != Path(".") and path.parent.is_dir()):
        there = sorted(entry.name for entry in path.parent.glob("*") if entry.is_dir())
        raise UsageError(f"{path}: no such folder{nearest(path.name, there)}")


def _labels(config: Any, name: str) -> list[str]:
    """Return the class names in index order."""
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
