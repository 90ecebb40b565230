"""README.md of a baseline's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model_card import code, metrics_table, rows_that_weigh


def card(run: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the card of a finished run from its run.json and its results by name of the rows."""
    data = run["data"]["train"]
    lines = [
        "---",
        "library_name: titlekit",
        "pipeline_tag: text-classification",
        "tags:\n- text-classification\n- titlekit",
        "---",
        "# Text classifier without an encoder",
        "",
        f"Labels: {', '.join(code(label) for label in run['labels'])}. Made with titlekit "
        f"{run['titlekit']}: TF-IDF of words, pairs of words and the characters within words, and "
        f"a logistic regression on them, {run['model']['parameters']:,} numbers in all. The "
        "baseline that an encoder has to beat.",
        "",
        "Made by:",
        "",
        "```",
        run["command"],
        "```",
        "",
        *metrics_table(results),
        "## Data",
        "",
        f"{data['rows']} training rows (sha256 {data['sha256'][:12]})."
        f"{rows_that_weigh(run['options'])} Validation rows, where there are any, chose nothing.",
        "",
        "## Use",
        "",
        "```python",
        "import titlekit",
        "",
        'classify = titlekit.load("THIS FOLDER")',
        'classify.predict(["Attention Is All You Need"]).labels',
        "```",
        "",
        "`titlekit predict THIS_FOLDER new.csv -o answers.csv` answers whole files. It is no model "
        "of transformers, so `transformers.pipeline` cannot open it.",
        "",
    ]
    return "\n".join(lines)
