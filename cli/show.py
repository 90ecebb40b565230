"""What a person reads: results, plans and tables as plain text."""

from __future__ import annotations

import dataclasses
import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.config import BASELINE, TrainConfig, flag
from ..core.options import options_of

if TYPE_CHECKING:
    from ..core.baseline.job import BaselineJob
    from ..core.prepare import Job, Recorded
    from ..core.single import Result

METRICS = {
    "accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1",
    "specificity": "specificity", "macro_f1": "macro-F1", "mcc": "MCC", "roc_auc": "AUROC",
    "average_precision": "average precision", "ece": "ECE", "log_loss": "log loss",
}  # fmt: skip
_LEFT_OUT = ("specificity", "average_precision", "log_loss")  # a line of metrics stays short


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Return aligned columns, the first row being the heads."""
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ]
        lines.append(indent + "  ".join(cells).rstrip())
    return "\n".join(lines)


def _width(text: str) -> int:
    """Return how many columns a terminal gives a text: two for a Chinese character."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    combined = sum(unicodedata.combining(sign) > 0 for sign in text)
    return len(text) + wide - combined


def counted(amount: float, what: str, ending: str = "s") -> str:
    """Return ``1 step`` or ``2 steps``."""
    return f"{amount:g} {what}{'' if amount == 1 else ending}"


def number(value: Any) -> str:
    """Return four decimals, or a dash for what is undefined."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.4f}"


def finished(result: Result, as_json: bool) -> str:
    """Return the end of a training run, or of several: metrics, folder, the next command."""
    from ..core.series import Series

    if isinstance(result, Series):
        from .show_series import finished_series

        return finished_series(result, as_json)
    if as_json:
        return json.dumps(
            {"folder": str(result.folder), "results": result.results, **result.run["result"]},
            ensure_ascii=False,
        )
    lines = []
    if result.results:
        every = result.results.values()
        names = [n for n in METRICS if n not in _LEFT_OUT and any(n in found for found in every)]
        rows = [["", "rows", *(METRICS[name] for name in names)]]
        for name, found in result.results.items():
            rows.append([name, str(found["rows"]), *(number(found.get(key)) for key in names)])
        lines += ["", table(rows)]
    outcome, costs = result.run["result"], result.run["costs"]
    lines += [
        "",
        f"{counted(outcome['steps'], 'step')} in "
        f"{counted(round(costs['train_runtime']), 'second')}, plugins: "
        f"{result.run['plugins']['spelling'] or 'none'}",
    ]
    for reason in outcome["stop_reasons"]:
        lines.append(f"stopped early: {reason}")
    lines += [
        f"The run is in {result.folder}",
        f"Next: titlekit predict {result.folder} FILE.csv -o answers.csv",
    ]
    return "\n".join(lines)


def dry_run(config: TrainConfig, origins: Mapping[str, str], code: Recorded, as_json: bool) -> str:
    """Return what a run would do: options and their origin, hooks, groups, steps, time, memory."""
    from ..core.estimate import estimate
    from ..core.plan import plan as plan_of
    from ..core.prepare import make_plugins, prepare

    plugins = make_plugins(config, code)
    if config.model == BASELINE:
        from .show_baseline import dry_run_baseline

        return dry_run_baseline(config, origins, plugins, as_json)
    parts: list[str] = []
    runs: dict[str, Any] = {}
    if config.several:
        from .show_series import planned

        job, lines, runs = planned(config, origins, plugins)
        parts = [table(lines)]
    else:
        job = prepare(config, origins, plugins)
    options = options_and_origins(config, job)
    estimated = estimate(job)
    plan = plan_of(job)
    if as_json:
        found = {"options": options, **plan, "estimate": estimated}
        return json.dumps(found | ({"runs": runs} if runs else {}), ensure_ascii=False)
    hooks = [["hook", "called in this order"]]
    hooks += [[name, " > ".join(order)] for name, order in plan["hooks"].items()]
    groups = [["group", "rate", "weight decay", "tensors", "parameters"]]
    groups += [[g["name"], f"{g['lr']:.3g}", f"{g['weight_decay']:g}", str(g["tensors"]),
                f"{g['parameters']:,}"] for g in plan["groups"]]  # fmt: skip
    parts = [option_table(options), table(hooks), table(groups), *parts, _steps(plan)]
    parts += [_estimated(plan, estimated, len(runs) or 1)]
    return "\n\n".join([*parts, "Nothing was trained."])


def options_and_origins(config: TrainConfig, job: Job | BaselineJob) -> dict[str, dict[str, Any]]:
    """Return each option's value and where it came from, in a run or in the first of several."""
    own = dataclasses.replace(job.config, seed=config.seed, seeds=config.seeds, fold=config.fold)
    return {
        name: {"value": getattr(own, name), "from": job.origins.get(name, "default")}
        for name in options_of(TrainConfig)
    }


def option_table(options: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a line for each option of `options_and_origins`."""
    rows = [["option", "value", "from"]]
    rows += [[flag(name), str(one["value"]), one["from"]] for name, one in options.items()]
    return table(rows)


def _steps(plan: Mapping[str, Any]) -> str:
    return (
        f"{plan['rows']} training rows, {plan['validation_rows']} validation rows; "
        f"{counted(plan['steps_per_epoch'], 'step')} an epoch, {plan['steps']} in all, "
        f"{counted(plan['evaluations'], 'evaluation')}; "
        f"{counted(plan['batch_size'], 'row')} a step in "
        f"{counted(plan['micro_batches'], 'micro-batch', 'es')}, "
        f"{counted(plan['passes'], 'forward pass', 'es')} a micro-batch; "
        f"at most {plan['max_length']} tokens "
        f"({plan['mean_length']:.1f} on average); {plan['parameters']:,} parameters, "
        f"{plan['trainable_parameters']:,} of them trained, on "
        f"{plan['device']} in {plan['precision']}"
    )


def _estimated(plan: Mapping[str, Any], estimated: Mapping[str, float], runs: int) -> str:
    memory = f"{estimated['peak_memory_mb'] / 1000:.1f} GB of memory"
    if "peak_gpu_memory_mb" in estimated:
        memory += f" and {estimated['peak_gpu_memory_mb'] / 1000:.1f} GB on the GPU"
    whole = f" a run, {duration(runs * estimated['seconds'])} in all" if runs > 1 else ""
    return (
        f"Estimated from {estimated['steps_tried']} steps here: "
        f"{duration(estimated['seconds'])}{whole} "
        f"({estimated['seconds_per_step']:.2f} seconds a step, "
        f"{estimated['seconds_per_evaluation']:.1f} an evaluation), {memory}"
    )


def duration(seconds: float) -> str:
    """Return a time as a person says it: ``40 s``, ``2 min 05 s``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
