"""What a person reads: results, plans and tables as plain text."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.config import TrainConfig, flag

if TYPE_CHECKING:
    from ..core.prepare import Job
    from ..core.session import Result

_SHOWN = {
    "accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1",
    "macro_f1": "macro-F1", "mcc": "MCC", "roc_auc": "AUROC", "ece": "ECE",
}  # fmt: skip


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
    """Return the end of a training run: metrics, folder, the next command."""
    if as_json:
        return json.dumps(
            {"folder": str(result.folder), "results": result.results, **result.run["result"]},
            ensure_ascii=False,
        )
    lines = []
    if result.results:
        names = [n for n in _SHOWN if any(n in found for found in result.results.values())]
        rows = [["", "rows", *(_SHOWN[name] for name in names)]]
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


def dry_run(
    config: TrainConfig, origins: Mapping[str, str], code: Mapping[str, str] | None, as_json: bool
) -> str:
    """Return what a run would do: options and their origin, hooks, groups, steps, passes."""
    from ..core.prepare import make_plugins, prepare

    job = prepare(config, origins, make_plugins(config, code))
    plan = _plan(job)
    if as_json:
        return json.dumps(plan, ensure_ascii=False)
    rows = [["option", "value", "from"]]
    rows += [[flag(name), str(option["value"]), option["from"]]
             for name, option in plan["options"].items()]  # fmt: skip
    hooks = [["hook", "called in this order"]]
    hooks += [[name, " > ".join(order)] for name, order in plan["hooks"].items()]
    groups = [["group", "rate", "weight decay", "parameters"]]
    groups += [[g["name"], f"{g['lr']:.3g}", f"{g['weight_decay']:g}", f"{g['parameters']:,}"]
               for g in plan["groups"]]  # fmt: skip
    steps = (
        f"{plan['rows']} training rows, {plan['validation_rows']} validation rows; "
        f"{counted(plan['steps_per_epoch'], 'step')} an epoch, {plan['steps']} in all, "
        f"{counted(plan['passes'], 'forward pass', 'es')} a micro-batch; "
        f"at most {plan['max_length']} tokens "
        f"({plan['mean_length']:.1f} on average); {plan['parameters']:,} parameters on "
        f"{plan['device']} in {plan['precision']}"
    )
    return "\n\n".join([table(rows), table(hooks), table(groups), steps, "Nothing was trained."])


def _plan(job: Job) -> dict[str, Any]:
    from ..core.hooks.assembly import HOOKS
    from ..core.options import options_of

    trainer = job.trainer
    run, hooks = trainer.run, trainer.hooks
    return {
        "options": {
            name: {"value": getattr(job.config, name), "from": job.origins.get(name, "default")}
            for name in options_of(TrainConfig)
        },
        "hooks": {name: hooks.order(name) for name in HOOKS if hooks.order(name)},
        "groups": [
            {
                "name": str(group.get("name", "")), "lr": rate,
                "weight_decay": group["weight_decay"],
                "parameters": sum(parameter.numel() for parameter in group["params"]),
            }
            for group, rate in zip(run.optimizer.param_groups, trainer.base_rates, strict=True)
        ],
        "rows": len(trainer.feed.examples),
        "validation_rows": len(trainer.valid) if trainer.valid else 0,
        "steps_per_epoch": run.steps_per_epoch,
        "steps": run.total_steps,
        "passes": hooks.passes(),
        "max_length": job.encoder.max_length,
        "mean_length": float(trainer.feed.tokens.lengths.mean()),
        "parameters": sum(parameter.numel() for parameter in run.model.parameters()),
        "device": str(run.device),
        "precision": run.precision.name,
    }  # fmt: skip
