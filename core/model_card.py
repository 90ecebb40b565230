"""README.md of a run's folder: what the model is, how it was made, how to use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TABLE = ("accuracy", "precision", "recall", "f1", "macro_f1", "mcc", "roc_auc", "ece")


def model_card(run: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the card of a finished run from its run.json and its results by name of the rows."""
    model, source = run["model"], run["model"]["source"]
    base = f"base_model: {source.split(' ')[0]}\n" if "/" in source and " " not in source else ""
    origin = source if model["asked"] != "tiny" else "a small BERT made on the spot"
    plugins = run["plugins"]["spelling"] or "none"
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: text-classification",
        f"{base}tags:\n- text-classification\n- titlekit",
        "---",
        "# Text classifier",
        "",
        f"Labels: {', '.join(code(label) for label in run['labels'])}. "
        f"Fine-tuned with titlekit {run['titlekit']} from {origin}"
        f"{' at ' + model['revision'] if model['revision'] else ''}.",
        "",
        f"Plugins: {code(plugins)}. Made by:",
        "",
        "```",
        run["command"],
        "```",
        "",
    ]
    lines += metrics_table(results)
    if "validation" in results:
        lines += ["The weights were chosen on the validation rows: their figures flatter.", ""]
    data = run["data"]["train"]
    lines += [
        "## Data",
        "",
        f"{data['rows']} training rows (sha256 {data['sha256'][:12]}). "
        f"Longest input {run['input']['max_length']} tokens, truncation "
        f"{run['input']['truncation']}.{rows_that_weigh(run['options'])}",
        "",
        "## Use",
        "",
        "```python",
        "from transformers import pipeline",
        "",
        'classify = pipeline("text-classification", model="THIS FOLDER")',
        'classify("Attention Is All You Need", truncation=True)',
        "```",
        "",
        "Texts longer than the longest input need `truncation=True`. "
        "`titlekit predict THIS_FOLDER new.csv -o answers.csv` answers whole files.",
        "",
    ]
    return "\n".join(lines)


def rows_that_weigh(options: Mapping[str, Any]) -> str:
    """Return what a reader must know of the rows beyond texts and labels."""
    words = ""
    if options["soft_targets"]["value"]:
        words += " The rows were learnt from class probabilities (columns p_LABEL)."
    if options["weight_column"]["value"]:
        words += f" They weigh by column {code(options['weight_column']['value'])}."
    return words


def metrics_table(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the metrics of each set of rows as the lines of a Markdown table."""
    if not results:
        return ["No validation rows were set aside.", ""]
    names = [name for name in _TABLE if any(name in result for result in results.values())]
    lines = [f"| rows | n | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for rows, result in results.items():
        cells = []
        for name in names:
            value = result.get(name)
            cells.append("" if value is None or value != value else f"{value:.4f}")
        lines.append(f"| {rows} | {result['rows']} | {' | '.join(cells)} |")
    return [*lines, ""]


def code(text: str) -> str:
    """Return a text as Markdown code."""
    return "`" + text.replace("`", "'").replace("\n", " ") + "`"
