"""What a person reads of an evaluation: metrics, the confusion matrix, the probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .show import METRICS, number, table
from .show_probe import probe_table

if TYPE_CHECKING:
    from ..core.evidence.evaluation import Evaluation
    from ..core.evidence.probe import Probe

OF_POSITIVE = ("f1", "precision", "recall", "specificity")
_WIDEST = 12  # classes of a confusion matrix that a terminal shows


def report(evaluation: Evaluation, probed: Probe | None, files: list[str]) -> str:
    """Return the metrics with their intervals, the confusion matrix, the probe, what is written."""
    found, labels = evaluation.metrics, evaluation.labels
    blank = f", {evaluation.blank_rows:,} blank" if evaluation.blank_rows else ""
    classes = [["label", "precision", "recall", "F1", "rows"]]
    for name, row in found["per_class"].items():
        shown = (number(row[key]) for key in ("precision", "recall", "f1"))
        classes.append([name, *shown, f"{row['support']:,}"])
    rows = [["metric", "value", "95 % interval"]]
    for key, name in METRICS.items():
        if key not in found:
            continue
        of = f" of {evaluation.positive}" if key in OF_POSITIVE else ""
        bounds = evaluation.intervals.get(key)
        between = f"{number(bounds['low'])} to {number(bounds['high'])}" if bounds else ""
        rows.append([name + of, number(found[key]), between])
    if evaluation.blank_rows:
        answer = evaluation.blank_label or "nothing"
        all_rows = number(evaluation.accuracy_all_rows)
        rows.append([f"accuracy, blank rows answered with {answer}", all_rows, ""])
    parts = [f"{evaluation.rows:,} rows{blank}", table(classes), table(rows)]
    if len(labels) <= _WIDEST:
        matrix = [["true \\ predicted", *labels]]
        for name, counts in zip(labels, found["confusion_matrix"], strict=True):
            matrix.append([name, *(f"{count:,}" for count in counts)])
        parts.append(table(matrix))
    if probed is not None:
        parts.append(probe_table(probed))
    parts += ["\n".join(f"Written: {place}" for place in files)] if files else []
    return "\n\n".join(parts)
