"""An exported model beside the one it came from, on real rows: how far apart they answer."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.columns import find_label_column, is_blank, row_cell, row_text
from ..data.labels import label_index
from ..data.readers import open_table
from ..errors import DataError, TitlekitError, UsageError
from .export_bake import Folded
from .predictor import Predictor
from .scoring import softmax
from .stream import choose_columns

log = logging.getLogger("titlekit")

MOST = 2000  # rows compared, evenly spread over those there are
CLOSE = 1e-4  # probabilities in float32 may differ by this much
WARNED, REFUSED = 0.99, 0.98  # share of equal labels in int8
FALL = 0.005  # of the accuracy, in int8
_OWN = ("valid.csv", "fold.csv")  # of the rows that a run did not train on


class NotAlike(TitlekitError):
    """An exported model that answers otherwise than the one it came from (exit 4)."""

    exit_code = 4


@dataclasses.dataclass(frozen=True)
class CheckRows:
    """Rows to compare on; `truth` [N] has the answer's number, None where rows have no labels."""

    name: str
    total: int  # rows with a text in the file
    texts: list[str]
    pairs: list[str] | None
    truth: np.ndarray | None

    def logits_of(self, by: Predictor) -> np.ndarray:
        """Return the logits [N, C] of a classifier."""
        return by.logits(self.texts, self.pairs)


@dataclasses.dataclass(frozen=True)
class Reference:
    """What the float32 torch model answers: logits [N, C] float64, answers' numbers [N]."""

    logits: np.ndarray
    labels: np.ndarray


def find_rows(by: Predictor, name: str, asked: str, text_column: str = "") -> CheckRows:
    """Return the rows of --rows, else those that the run was validated on."""
    if asked:
        return _read(by, asked, own=False, text_column=text_column)
    if text_column:
        raise UsageError("--text-column names a column of --rows FILE; give that too")
    if by.folder is not None:
        for file in _OWN:
            if (by.folder / "predictions" / file).is_file():
                return _read(by, str(by.folder / "predictions" / file), own=True)
    raise UsageError(
        f"{name}: no rows to compare the exported model on (a run's predictions/valid.csv has "
        "some); give a file of texts, with or without labels: --rows FILE"
    )


def refer(by: Predictor, rows: CheckRows, folded: Folded) -> Reference:
    """Answer the rows with the model that is exported, before anything of it is changed."""
    logits = rows.logits_of(by)
    return Reference(folded(logits), _answers(by, logits))


def compare(reference: Reference, exported: Predictor, rows: CheckRows) -> dict[str, Any]:
    """Return how far an exported model is from its reference: differences, shares, accuracies."""
    logits = rows.logits_of(exported)
    temperature = exported.decision.temperature
    apart = np.abs(softmax(logits / temperature) - softmax(reference.logits / temperature))
    labels = _answers(exported, logits)
    found: dict[str, Any] = {
        "rows": len(rows.texts),
        "rows_in_file": rows.total,
        "file": rows.name,
        "max_logit_difference": float(np.abs(logits - reference.logits).max()),
        "max_probability_difference": float(apart.max()),
        "label_agreement": float((labels == reference.labels).mean()),
        "accuracy": None,
        "accuracy_exported": None,
    }
    if rows.truth is not None:
        found["accuracy"] = float((reference.labels == rows.truth).mean())
        found["accuracy_exported"] = float((labels == rows.truth).mean())
    return found


def judge(parity: dict[str, Any], quantize: str, name: str) -> None:
    """Refuse an exported model that is too far from its reference; warn of one that is near it."""
    where = f"{parity['rows']:,} rows of {parity['file']}"
    if not quantize:
        apart = parity["max_probability_difference"]
        if not apart <= CLOSE:
            raise NotAlike(
                f"{name}: the exported model's probabilities differ by up to {apart:.2g} from "
                f"torch's on {where} (at most {CLOSE:g} is accepted), so nothing was written; "
                "use the run itself"
            )
        return
    agreement, fall = parity["label_agreement"], 0.0
    if parity["accuracy"] is not None:
        fall = parity["accuracy"] - parity["accuracy_exported"]
    told = f"{name}: {quantize} gives {100 * agreement:.2f} % of the float32 model's labels on " \
        f"{where}"  # fmt: skip
    if agreement < REFUSED:
        raise NotAlike(
            f"{told} (at least {100 * REFUSED:g} % is accepted), so nothing was written; use "
            f"float32, without --quantize {quantize}"
        )
    if fall > FALL + 1e-9:
        raise NotAlike(
            f"{name}: {quantize} lowers the accuracy from {100 * parity['accuracy']:.2f} to "
            f"{100 * parity['accuracy_exported']:.2f} % on {where} (at most {100 * FALL:g} points "
            f"are accepted), so nothing was written; use float32, without --quantize {quantize}, "
            "or compare on more rows: --rows FILE"
        )
    if agreement < WARNED:
        log.warning("%s, less than %g %%; float32 differs less", told, 100 * WARNED)


def _read(by: Predictor, path: str, own: bool, text_column: str = "") -> CheckRows:
    """Read texts and, where all of them are the model's, labels; blank texts are left out."""
    texts: list[str] = []
    pairs: list[str] = []
    truth: list[int | None] = []
    with open_table(path) as table:
        if own:  # titlekit's names, not those of the training rows
            first, second = ["text"], ["text_pair"] if "text_pair" in table.columns else []
        else:
            first, second = choose_columns(by, table, text_column, "")
        label = find_label_column(table.columns, "label" if own else by.label_column or "")
        for row in table:
            text = row_text(row, first, table.name)
            if is_blank(text):
                continue
            texts.append(text)
            pairs += [row_text(row, second, table.name)] if second else []
            cell = "" if label is None else row_cell(row, label, table.name)
            truth.append(label_index(cell, by.labels) if cell else None)
        name = table.name
    if not texts:
        raise DataError(f"{name}: no row with a text")
    some = np.unique(np.linspace(0, len(texts) - 1, min(MOST, len(texts))).astype(int))
    known = _known([truth[place] for place in some])
    if known is None:
        log.info("%s: no labels of the model there, so no accuracy is compared", name)
    return CheckRows(
        name=str(Path(name).name) if own else name, total=len(texts),
        texts=[texts[place] for place in some],
        pairs=[pairs[place] for place in some] if second else None, truth=known,
    )  # fmt: skip


def _answers(by: Predictor, logits: np.ndarray) -> np.ndarray:
    """Return the answers' numbers [N], after the decision."""
    probabilities = softmax(logits / by.decision.temperature)
    positive = None if by.positive is None else by.labels.index(by.positive)
    return by.decision.choose(by.decision.sum_up(probabilities, by.classes), positive)


def _known(truth: Sequence[int | None]) -> np.ndarray | None:
    numbers = [number for number in truth if number is not None]
    return np.array(numbers, np.int64) if len(numbers) == len(truth) else None
