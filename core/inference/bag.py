"""A linear model on bags of n-grams: saved as safetensors and JSON, answered in plain numpy."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.encoding import clip
from ..data.labels import positive_label
from ..errors import DataError, UsageError
from ..run_folder import BAG, read_json, write_json, write_text
from .decision import Decision
from .ngrams import CHAR, WORD, Block, Grams
from .predictor import Input, Predictor, read_decision, read_input

WEIGHTS, VOCABULARY = "baseline.safetensors", "vocabulary.json"  # BAG says how they are read

_WINDOW = 8192  # texts that are answered together: bounds memory


@dataclasses.dataclass(frozen=True, eq=False)
class Bag:
    """N-grams of the text, and of the second text where there is one, with a weight a class.

    For two classes there is one row of weights, that of the second class. W is the sum of the
    blocks' columns.
    """

    labels: list[str]
    first: tuple[Block, ...]
    second: tuple[Block, ...]  # () without second texts
    coefficients: np.ndarray  # [1 or C, W] float64
    intercepts: np.ndarray  # [1 or C] float64

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return logits [N, C] float64; for two classes the first one's are 0.

        A model that learnt second texts takes missing ones for blank; UsageError where it learnt
        none and there are some.
        """
        if pairs is not None and not self.second:
            raise UsageError("this run was trained on single texts; leave out the second ones")
        found = np.empty((len(texts), len(self.intercepts)))
        for start in range(0, len(texts), _WINDOW):
            part = slice(start, start + _WINDOW)
            second = [""] * len(texts[part]) if pairs is None else pairs[part]
            found[part] = self._window(texts[part], second)
        if len(self.labels) == 2:
            return np.hstack([np.zeros_like(found), found])
        return found

    def _window(self, texts: Sequence[str], pairs: Sequence[str]) -> np.ndarray:
        total = np.tile(self.intercepts, (len(texts), 1))
        start = 0
        for block, given in self._blocks(texts, pairs):
            end = start + len(block.idf)
            total += block.rows(given) @ self.coefficients[:, start:end].T
            start = end
        return total

    def _blocks(
        self, texts: Sequence[str], pairs: Sequence[str]
    ) -> Iterator[tuple[Block, Sequence[str]]]:
        yield from ((block, texts) for block in self.first)
        yield from ((block, pairs) for block in self.second)

    def write(self, folder: Path, settings: dict[str, Any]) -> None:
        """Write the model into a folder; the file that says what it is comes last."""
        from safetensors.numpy import save

        blocks = (*self.first, *self.second)
        arrays = {"coefficients": self.coefficients, "intercepts": self.intercepts}
        arrays |= {f"idf.{number}": block.idf for number, block in enumerate(blocks)}
        _write_bytes(folder / WEIGHTS, save(arrays))
        # ASCII: half a surrogate pair, which Python's texts can hold, comes back as it was.
        write_text(folder / VOCABULARY, json.dumps([list(block.known) for block in blocks]) + "\n")
        told = [
            {"of": "text" if number < len(self.first) else "pair", **dataclasses.asdict(b.grams)}
            for number, b in enumerate(blocks)
        ]
        write_json(folder / BAG, {**settings, "labels": self.labels, "ngrams": told})

    @classmethod
    def read(cls, folder: Path) -> Bag:
        """Read what `write` left; DataError names the file that is not as it was written."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        given = read_json(folder / BAG)
        try:
            arrays = load((folder / WEIGHTS).read_bytes())
            vocabulary = json.loads((folder / VOCABULARY).read_text("utf-8"))
            told = [(one.pop("of"), Grams(**one)) for one in given["ngrams"]]
            labels = given["labels"]
            blocks = [
                Block(grams, {gram: at for at, gram in enumerate(known)}, arrays[f"idf.{number}"])
                for number, ((_, grams), known) in enumerate(zip(told, vocabulary, strict=True))
            ]
            second = [of == "pair" for of, _ in told]
            bag = cls(
                labels,
                tuple(block for block, pair in zip(blocks, second, strict=True) if not pair),
                tuple(block for block, pair in zip(blocks, second, strict=True) if pair),
                arrays["coefficients"],
                arrays["intercepts"],
            )
            _check(bag, second)
        except (KeyError, TypeError, ValueError, AttributeError, OSError, SafetensorError) as error:
            raise DataError(
                f"{folder}: {BAG}, {WEIGHTS} and {VOCABULARY} are not as titlekit wrote them: "
                f"{clip(' '.join(str(error).split()))}"
            ) from None
        return bag


def _check(bag: Bag, second: list[bool]) -> None:
    """Raise ValueError for parts that do not belong together."""
    blocks, labels = (*bag.first, *bag.second), bag.labels
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("labels: expected a list of texts")
    if len(set(labels)) != len(labels) or len(labels) < 2:
        raise ValueError("labels: expected two different names or more")
    if not bag.first or second != sorted(second):
        raise ValueError("ngrams: expected those of the text, then those of the pair")
    for block in blocks:
        grams = block.grams
        sizes = (type(grams.low), type(grams.high)) == (int, int)
        if grams.kind not in (WORD, CHAR) or not sizes or not 1 <= grams.low <= grams.high <= 64:
            raise ValueError(f"ngrams: {grams}")
        if block.idf.shape != (len(block.known),):
            raise ValueError("as many idf as n-grams are expected")
    width = sum(len(block.known) for block in blocks)
    rows = 1 if len(labels) == 2 else len(labels)
    if bag.coefficients.shape != (rows, width) or bag.intercepts.shape != (rows,):
        raise ValueError(f"coefficients: expected {rows} x {width}")
    arrays = (bag.coefficients, bag.intercepts, *(block.idf for block in blocks))
    if not all(a.dtype == np.float64 and np.isfinite(a).all() for a in arrays):
        raise ValueError("expected finite numbers in float64")


@dataclasses.dataclass(frozen=True, eq=False)
class BagPredictor(Predictor):
    """A bag of n-grams with its decision and the names of its columns; it needs no torch."""

    encoder: Any = dataclasses.field(repr=False)  # None: n-grams are the model's own
    device: Any  # "cpu", as a word

    @property
    def max_length(self) -> int:
        """No length is too long: nothing is cut."""
        return 10**30

    @property
    def truncation(self) -> str:
        """What would be kept of a longer text; there is none."""
        return self.input.truncation

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return logits [N, C] float64 in the order of the texts."""
        seconds = None if pairs is None else self.seen(pairs)
        found: np.ndarray = self.model.logits(self.seen(texts), seconds)
        return found


def hold_bag(bag: Bag, told: Input, decision: Decision, folder: Path | None) -> Predictor:
    """Return a bag of n-grams as a Predictor."""
    grouped = list(decision.groups)
    return BagPredictor(
        model=bag, encoder=None, device="cpu", labels=grouped or bag.labels,
        positive=positive_label(grouped, "") if grouped else told.positive,
        decision=decision, input=told, folder=folder, kinds=tuple(bag.labels) if grouped else (),
    )  # fmt: skip


def load_bag(folder: Path) -> Predictor:
    """Return the classifier of a baseline run's folder; it computes on the CPU."""
    bag = Bag.read(folder)
    told = read_input(folder, bag.labels)
    decision = read_decision(folder, bag.labels)
    given = told or Input(positive=positive_label(bag.labels, ""))
    return hold_bag(bag, given, decision, folder if told else None)


def _write_bytes(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
