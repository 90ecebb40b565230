"""What is counted while a file is answered, over interruptions too."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from ..data.rows import Rejects
from .answers import Answers
from .reuse import Reusing


class Tally:
    """Counts of a file's answers; `rows` of them, with the counts `before`, are of earlier runs."""

    def __init__(self, scores: Reusing, rows: int, before: dict[str, Any]) -> None:
        self._scores = scores
        self._resumed = rows
        self._answers = Counter({int(at): n for at, n in before.get("answers", {}).items()})
        self._distinct = before.get("distinct", 0) - scores.distinct
        self._cached = before.get("cached", 0) - scores.cached
        self._started = time.monotonic() - before.get("seconds", 0.0)

    def add(self, answers: Answers) -> None:
        """Count some answers."""
        self._answers.update(answers.predicted.tolist())

    def state(self) -> dict[str, Any]:
        """Return the counts as the next run takes them up: by class, -1 is blank."""
        return {
            "answers": {str(at): count for at, count in self._answers.items()},
            "distinct": self._distinct + self._scores.distinct,
            "cached": self._cached + self._scores.cached,
            "seconds": time.monotonic() - self._started,
        }

    def summary(self, rejects: Rejects | None) -> dict[str, Any]:
        """Return the counts by name: by_label without blank rows; seconds of all runs together.

        `distinct_texts` are those that were answered, equal ones of a window once; `from_cache`
        those of them that were not computed; `resumed_after` the rows of earlier runs.
        """
        now = self.state()
        rows = self._answers.total()
        labels = self._scores.labels
        return {
            "rows": rows,
            "blank_rows": self._answers[-1],
            "by_label": {name: self._answers[at] for at, name in enumerate(labels)},
            "rejected_rows": rejects.count if rejects else 0,
            "distinct_texts": now["distinct"],
            "from_cache": now["cached"],
            "resumed_after": self._resumed,
            "seconds": now["seconds"],
            "rows_per_second": rows / now["seconds"],
        }
