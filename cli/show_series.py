"""What a person reads of several runs: their rows before, their metrics after."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.config import BASELINE
from .show import METRICS, counted, duration, number, table

if TYPE_CHECKING:
    from ..core.config import TrainConfig
    from ..core.hooks.plugin import Plugin
    from ..core.series import Series

_OF_A_RUN = ("accuracy", "f1", "macro_f1", "mcc")


def finished_series(series: Series, as_json: bool) -> str:
    """Return the end of a series: each run, mean and spread, the runs together, what is next."""
    if as_json:
        shown = {name: series.run[name] for name in ("runs", "spread", "results", "costs")}
        return json.dumps({"folder": str(series.folder), **shown}, ensure_ascii=False)
    folder = shlex.quote(str(series.folder))
    scored = _scored(series)
    tables = [table(_each_run(series, scored))] if scored else []
    for rows in dict.fromkeys((scored, "test")):
        if rows in series.spread:
            mean = "out_of_fold" if rows == "fold" else rows
            tables.append(table(_together(series, rows, mean)))
    lines = [part for shown in tables for part in ("", shown)]
    lines += [
        "",
        *_notes(series),
        f"{counted(len(series.runs), 'run')} in "
        f"{duration(series.run['costs']['train_runtime'])}, plugins: "
        f"{series.run['plugins']['spelling'] or 'none'}",
        f"The runs are in {series.folder}",
        f"Next: titlekit predict {folder} FILE.csv -o answers.csv   (the mean of all runs)",
    ]
    return "\n".join(lines)


def _scored(series: Series) -> str:
    """Return the rows that tell most about a run: its fold, else validation, else test."""
    found = next(iter(series.runs.values())).results
    return next((name for name in ("fold", "validation", "test") if name in found), "")


def _each_run(series: Series, rows: str) -> list[list[str]]:
    found = {name: left.results.get(rows, {}) for name, left in series.runs.items()}
    shown = [name for name in _OF_A_RUN if any(name in one for one in found.values())]
    lines = [["run", f"{rows} rows", *(METRICS[name] for name in shown), "steps", "time"]]
    for name, one in found.items():
        run = series.runs[name].run
        figures = [number(one.get(metric)) for metric in shown]
        took = duration(run["costs"]["train_runtime"])
        lines.append([name, f"{one['rows']:,}", *figures, str(run["result"]["steps"]), took])
    return lines


def _together(series: Series, rows: str, mean: str) -> list[list[str]]:
    """Return one line a metric: mean and deviation over runs, and the metric of their mean."""
    spread, results = series.spread[rows], series.results.get(mean, {})
    said = "out of fold" if mean == "out_of_fold" else "of the mean"
    lines = [[rows, "mean ± sd of runs", *([said, "95 % interval"] if results else [])]]
    for metric, title in METRICS.items():
        if metric not in spread:
            continue
        bounds = results.get("intervals", {}).get(metric)
        between = f"{number(bounds['low'])} to {number(bounds['high'])}" if bounds else ""
        more = [number(results.get(metric)), between] if results else []
        lines.append([title, _mean(spread[metric]), *more])
    return lines


def _mean(one: Mapping[str, Any]) -> str:
    if one["std"] is None:
        return number(one["mean"])
    return f"{number(one['mean'])} ± {number(one['std'])}"


def _notes(series: Series) -> list[str]:
    options = series.run["options"]
    if options["folds"]["value"] is None:
        return []
    valid = options["valid"]["value"]
    chosen = "the last weights of each run were kept (--valid 0)"
    if options["model"]["value"] == BASELINE:
        chosen = f"{BASELINE} chooses nothing by other rows"
    elif any("validation" in left.results for left in series.runs.values()):
        chosen = f"the weights were chosen on validation rows of their own (--valid {valid})"
    return [
        f"Each fold was scored and nothing more: {chosen}.",
        f"Every row's answer, in the order of the input: {series.folder}/out_of_fold.csv",
        "",
    ]


def planned(
    config: TrainConfig, origins: Mapping[str, str], plugins: Sequence[Plugin]
) -> tuple[Any, list[list[str]], dict[str, dict[str, Any]]]:
    """Return the first run of a series, and the rows of each: as a table and as JSON values."""
    from ..core.series import make_plan

    plan = make_plan(config, origins, plugins)
    lines = [["run", "training rows", "validation rows", "fold rows"]]
    found: dict[str, dict[str, Any]] = {}
    for part in plan.parts():
        data = plan.rows(part)
        sets = {"rows": data.train, "validation_rows": data.valid, "fold_rows": data.fold}
        sizes = {name: 0 if rows is None else len(rows) for name, rows in sets.items()}
        found[part.name] = {"fold": part.fold, "seed": part.seed, **sizes}
        lines.append([part.name, *(f"{size:,}" for size in sizes.values())])
    return plan.job(plan.parts()[0], Path()), lines, found
