"""Several classifiers that answer as one: the mean of their probabilities."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.labels import listed
from ..errors import UsageError, nearest
from ..run_folder import runs_in
from .answers import Answers, answer
from .decision import Decision
from .predictor import Predictor, load_run

if TYPE_CHECKING:
    import torch

log = logging.getLogger("titlekit")


@dataclasses.dataclass(frozen=True, eq=False)
class Ensemble:
    """Classifiers of the same labels, all in memory; each reads the text as it was trained to.

    Probabilities are the mean over the members, each after its own temperature. The likeliest
    label is the answer, unless all members have one threshold: then that acts on the mean.
    """

    members: tuple[Predictor, ...] = dataclasses.field(repr=False)
    labels: list[str]  # in the order of the first member
    positive: str | None
    decision: Decision
    folder: Path | None  # of the series; None for runs that were named one by one
    kinds: tuple[str, ...] = ()  # the models' own labels, where the answers sum several of them

    @property
    def classes(self) -> Sequence[str]:
        """The models' own labels, in the order of the first member."""
        return self.kinds or self.labels

    @property
    def device(self) -> torch.device:
        """Where the members compute."""
        return self.members[0].device

    @property
    def max_length(self) -> int:
        """The longest input in tokens of any member; the others cut a text earlier."""
        return max(member.max_length for member in self.members)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns the texts came from in training; UsageError where members differ."""
        found: tuple[str, ...] = self._agreed("text_columns", "texts", "--text-column") or ()
        return found

    @property
    def pair_column(self) -> str | None:
        """The column of the second text in training; UsageError where members differ."""
        return self._agreed("pair_column", "second texts", "--text-pair-column") or None

    @property
    def label_column(self) -> str | None:
        """The column of the labels in training; UsageError where members differ."""
        return self._agreed("label_column", "labels", "--label-column") or None

    @property
    def fix_text(self) -> bool:
        """Whether all members mend what they read; each of them does as it was trained to."""
        return all(member.fix_text for member in self.members)

    def probabilities(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return the mean of the members' probabilities [N, C] float64 of the answers."""
        return self.decision.sum_up(self.class_probabilities(texts, pairs), self.classes)

    def class_probabilities(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None
    ) -> np.ndarray:
        """Return the mean of the members' probabilities [N, C] float64 of their own labels."""
        total = np.zeros((len(texts), len(self.classes)))
        for member in self.members:
            order = [member.classes.index(label) for label in self.classes]
            total += member.class_probabilities(texts, pairs)[:, order]
        return total / len(self.members)

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """Return the logarithms [N, C] of the mean probabilities, whose softmax these are."""
        with np.errstate(divide="ignore"):
            found: np.ndarray = np.log(self.class_probabilities(texts, pairs))
        return found

    def predict(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, blank_label: str = ""
    ) -> Answers:
        """Return a label and a score for every text, blank ones without a score."""
        return answer(self, texts, pairs, blank_label)

    def _agreed(self, name: str, what: str, option: str) -> Any:
        """Return what the runs' training says; a run that says nothing goes along."""
        said: dict[Any, Path] = {}
        for member in self.members:
            value = getattr(member, name)
            # No second text is a fact; a column without a name is found by a usual one.
            if member.folder is not None and (value or name == "pair_column"):
                said.setdefault(value, member.folder)
        if len(said) > 1:
            (one, first), (other, second) = list(said.items())[:2]
            raise UsageError(
                f"{first} read its {what} from {_spoken(one)}, {second} from {_spoken(other)}; "
                f"name the column with {option}"
            )
        return next(iter(said), None)


def load(
    run: str | Path | Sequence[str | Path], device: str = "auto", offline: bool = False
) -> Predictor | Ensemble:
    """Return the classifier of a run, or of several whose probabilities are averaged.

    `run`: the folder of a run, any transformers folder, a hub name, the folder of a series (which
    stands for all its runs), or a list of these. No plugin and no code from a folder runs. Raises
    UsageError for what is no classifier, and for labels that differ.
    """
    given = [run] if isinstance(run, str | Path) else list(run)
    places: list[str | Path] = []
    for one in given:
        places += runs_in(Path(one)) or [one]
    if not places:
        raise UsageError("load: expected the folder of a run, or several")
    if len(places) == 1:
        return load_run(places[0], device, offline)
    known = [Path(place).resolve() for place in places]
    for place, path in zip(places, known, strict=True):
        if known.count(path) > 1:
            raise UsageError(f"{place} is named twice; each run answers once")
    members = [load_run(place, device, offline) for place in places]
    names = [str(place) for place in places]
    for member, name in zip(members[1:], names[1:], strict=True):
        _refuse_labels(members[0], names[0], member, name)
    log.info("%d runs answer together: their probabilities are averaged", len(members))
    return Ensemble(
        members=tuple(members),
        labels=members[0].labels,
        positive=_positive(members, names),
        decision=_decision(members),
        folder=Path(given[0]) if len(given) == 1 else None,
        kinds=members[0].kinds,
    )


def _refuse_labels(first: Predictor, name: str, second: Predictor, other: str) -> None:
    if bool(first.kinds) != bool(second.kinds):
        these, those = (name, other) if first.kinds else (other, name)
        raise UsageError(
            f"{these} was trained on kinds (--labels) and {those} was not; expected the same of all"
        )
    for one, here, known, there in (
        (first.classes, name, second.classes, other),
        (second.classes, other, first.classes, name),
    ):
        for label in one:
            if label not in known:
                raise UsageError(
                    f"{here} has the label {label!r} and {there} has not{nearest(label, known)}  "
                    f"(labels there: {listed(known)})"
                )


def _positive(members: Sequence[Predictor], names: Sequence[str]) -> str | None:
    said = {
        member.positive: name
        for member, name in zip(members, names, strict=True)
        if member.positive is not None
    }
    if len(said) > 1:
        (one, first), (other, second) = list(said.items())[:2]
        raise UsageError(
            f"the positive label is {one!r} in {first} and {other!r} in {second}; expected one"
        )
    return next(iter(said), None)


def _decision(members: Sequence[Predictor]) -> Decision:
    groups = members[0].decision.groups
    thresholds = {member.decision.threshold for member in members}
    if len(thresholds) == 1:
        return Decision(threshold=thresholds.pop(), groups=groups)
    log.warning(
        "the runs' thresholds differ (%s): together they answer with the likeliest label",
        ", ".join(f"{threshold:g}" for threshold in sorted(thresholds)),
    )
    return Decision(groups=groups)


def _spoken(columns: Any) -> str:
    return listed(columns) if isinstance(columns, tuple) else repr(columns) if columns else "none"
