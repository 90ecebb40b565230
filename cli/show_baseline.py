"""What a dry run of a baseline says: options, rows, seconds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.config import BASELINE
from .show import counted, duration, option_table, options_and_origins, table

if TYPE_CHECKING:
    from ..core.config import TrainConfig
    from ..core.hooks.plugin import Plugin

_TRIED = 1000  # rows that the seconds are estimated from


def dry_run_baseline(
    config: TrainConfig, origins: Mapping[str, str], plugins: Sequence[Plugin], as_json: bool
) -> str:
    """Return what a baseline's run, or a series of them, would do."""
    from ..core.baseline.fit import Settings
    from ..core.baseline.job import UNUSED
    from ..core.single import make_job
    from .show_series import planned

    parts: list[str] = []
    runs: dict[str, Any] = {}
    if config.several:
        job, lines, runs = planned(config, origins, plugins)
        parts = [table(lines)]
    else:
        job = make_job(config, origins, plugins, Path())
    known = options_and_origins(config, job)
    options = {name: option for name, option in known.items() if name not in UNUSED}
    rows, valid = len(job.data.train), job.data.valid
    estimated = _estimate(job.data)
    settings = Settings().describe() | {
        "ngrams": [dataclasses.asdict(one) for one in Settings().grams]
    }
    if as_json:
        found = {
            "options": options, "rows": rows, "validation_rows": len(valid or ()),
            "settings": settings, "estimate": estimated,
        }  # fmt: skip
        return json.dumps(found | ({"runs": runs} if runs else {}), ensure_ascii=False)
    whole = f" a run, {duration(len(runs) * estimated['seconds'])} in all" if runs else ""
    grams = " and ".join(f"{one.low} to {one.high} {_UNITS[one.kind]}" for one in Settings().grams)
    said = (
        f"{BASELINE}: TF-IDF of {grams}, then a logistic regression (C = {settings['C']:g}).\n"
        f"{rows:,} training rows, {len(valid or ()):,} validation rows. Estimated from "
        f"{counted(estimated['rows_tried'], 'row')} here: {duration(estimated['seconds'])}{whole}"
    )
    return "\n\n".join([option_table(options), *parts, said, "Nothing was trained."])


_UNITS = {"word": "words", "char_wb": "characters within words"}


def _estimate(data: Any) -> dict[str, Any]:
    """Return the seconds of a fit, from one of some rows of each class."""
    import numpy as np

    from ..core.baseline.fit import fit
    from ..core.data.dataset import select
    from ..core.data.splits import limit_rows

    rows = data.train
    numbers = np.arange(len(rows))
    if len(data.labels) <= _TRIED:
        numbers = limit_rows(rows.labels, numbers, _TRIED, 0)
    done = fit(select(rows, numbers, data.labels), data.labels)
    return {"seconds": done.seconds * len(rows) / len(numbers), "rows_tried": len(numbers)}
