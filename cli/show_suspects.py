"""``titlekit check --suspects``: likely wrong labels, in a file to fill in and as a table."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.config import BASELINE, TrainConfig
from ..core.errors import UsageError
from .show import table

if TYPE_CHECKING:
    from ..core.suspects import Suspicion

FOLDS = 5
_WIDEST = 12  # classes of a table that a terminal shows
_SHOWN = 8  # pairs of classes that are listed where there are more classes


def run(
    config: TrainConfig, origins: Mapping[str, str], target: str, answers: str, overwrite: bool,
    as_json: bool,
) -> str:  # fmt: skip
    """Rank the suspects of the rows that `config` names, write them, and say what was found.

    The model is tfidf-lr unless one was asked for; `answers`: an out_of_fold.csv that is there.
    """
    check_place(target, config, overwrite)
    asked = origins.get("model", "default") != "default"
    _check_answers(answers, config, asked)
    config = dataclasses.replace(
        config, model=config.model if asked else BASELINE, folds=config.folds or FOLDS, out=""
    )
    if config.model == BASELINE and origins.get("valid", "default") == "default":
        config = dataclasses.replace(config, valid="0")  # it chooses nothing by other rows
    from ..core.evidence.suspects_table import write_suspects
    from ..core.suspects import suspicious_rows

    found = suspicious_rows(config, origins, answers)
    write_suspects(Path(target), found.data, found.labels, found.suspects)
    if as_json:
        said = {"data": found.data.name, "rows": len(found.data), "written": target}
        more = {"model": "" if answers else config.model, "folds": config.folds, "from": answers}
        return json.dumps(said | more | found.suspects.to_json(found.labels), ensure_ascii=False)
    return "\n\n".join([*_report(found), *_next(found, target, config)])


def check_place(target: str, config: TrainConfig, overwrite: bool) -> None:
    """Refuse a file of suspects that is data, or that someone may have filled in."""
    path = Path(target)
    if path.suffix.lower() != ".csv":
        raise UsageError(
            f"--suspects {target}: expected a name that ends in .csv, the file to write; the data "
            "comes before --suspects"
        )
    for one in (*config.train, config.test):
        if one and os.path.exists(one) and path.exists() and os.path.samefile(one, path):
            raise UsageError(f"--suspects {target} is data; choose another name")
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"--suspects {target}: expected a file in a folder that is there")
    if path.exists() and not overwrite:
        raise UsageError(
            f"--suspects {target} exists; apply its fixes first, choose another name, or replace "
            "it with --overwrite"
        )


def _check_answers(answers: str, config: TrainConfig, asked: bool) -> None:
    if not answers:
        return
    for given, option in ((asked, "--model"), (config.folds is not None, "--folds")):
        if given:
            raise UsageError(f"--from {answers} has the answers already; leave out {option}")


def _report(found: Suspicion) -> list[str]:
    data, labels, suspects = found.data, found.labels, found.suspects
    share = 100 * suspects.wrong / len(data)
    parts = [
        f"{len(data):,} rows: an estimated {suspects.wrong:,.0f} labels are wrong ({share:.1f} %); "
        f"{len(suspects.rows):,} suspects, the likeliest wrong first"
    ]
    if len(labels) <= _WIDEST:
        lines = [["labelled \\ estimated", *labels]]
        for label, row in zip(labels, suspects.joint, strict=True):
            lines.append([label, *(f"{number:,.0f}" for number in row)])
        return [*parts, table(lines)]
    pairs = sorted(
        ((suspects.joint[one, other], one, other) for one in range(len(labels))
         for other in range(len(labels)) if one != other),
        key=lambda pair: -pair[0],
    )[:_SHOWN]  # fmt: skip
    lines = [["labelled", "estimated", "rows"]]
    lines += [[labels[one], labels[other], f"{number:,.0f}"] for number, one, other in pairs]
    return [*parts, table(lines)]


def _next(found: Suspicion, target: str, config: TrainConfig) -> list[str]:
    source = " ".join(config.train)
    return [
        f"Written: {target}\n"
        "Next: fill in its column fix (a label, drop, or ok), then "
        f"titlekit data apply-fixes {target} {source} -o FIXED"
    ]
