"""``titlekit check``: what is wrong with data, before it is trusted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.config import TrainConfig, merge
from ..core.errors import TitlekitError, UsageError
from ..core.options import options_of
from .main import printable, set_up_logging
from .options import declared, json_option, loudness
from .show import counted

if TYPE_CHECKING:
    from ..core.check import Report

# Of a training's options those that name data, columns, a model and what its time depends on.
_OPTIONS = (
    "test", "valid", "model", "text_column", "text_pair_column", "label_column", "weight_column",
    "soft_targets", "group_column", "positive", "encoding", "fix_text", "max_length",
    "batch_size", "epochs", "device", "offline",
)  # fmt: skip


class FaultsFound(TitlekitError):
    """Findings that --strict does not let pass."""

    exit_code = 3


def _declared_options(function: Any) -> Any:
    fields = options_of(TrainConfig)
    for name in reversed(_OPTIONS):
        function = declared(fields[name])(function)
    return function


@click.command("check")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@_declared_options
@click.option(
    "--near", type=float, metavar="SHARE",
    help="similarity from which texts are near duplicates; 0: none  [default: 0.8]",
)  # fmt: skip
@click.option("--time/--no-time", default=None, help="try how long a training would take")
@click.option("--html", "page", default="", metavar="FILE", help="write the report as a page")
@click.option(
    "--suspects", is_flag=False, flag_value="suspects.csv", metavar="[FILE.csv]",
    help="rank likely wrong labels instead, into a file to fill in  [default: suspects.csv]",
)  # fmt: skip
@declared(options_of(TrainConfig)["folds"])
@click.option("--from", "answers", default="", metavar="FILE", help="an out_of_fold.csv to rank by")
@click.option("--overwrite", is_flag=True, help="replace the file of suspects")
@click.option("--strict", is_flag=True, help="exit 3 where an error or a warning is found")
@json_option
@loudness
def command(
    data: tuple[str, ...], near: float | None, time: bool | None, page: str,
    suspects: str | None, answers: str, overwrite: bool, strict: bool,
    as_json: bool, quiet: bool, verbose: int, **options: Any,
) -> None:  # fmt: skip
    """Say what is wrong with data, before it is trusted.

    DATA: what titlekit train reads. Classes, lengths, copies within and across training,
    validation and test rows, texts under two labels, damaged characters, drift, and the longest
    input that fits. Nothing is changed.

    \b
    titlekit check titles.csv
    titlekit check titles.csv --test test.csv --model scibert --html report.html
    titlekit check titles.csv --strict --json > report.json
    titlekit check titles.csv --suspects suspects.csv
    """
    set_up_logging(quiet or as_json, verbose)
    given = {name: value for name, value in options.items() if value is not None}
    config, origins = merge([("command line", {**given, "train": list(data)})])
    if suspects is not None:
        from .show_suspects import run

        for flag, value in (("--near", near), ("--time", time), ("--html", page or None),
                            ("--strict", strict or None)):  # fmt: skip
            if value is not None:
                raise UsageError(f"--suspects ranks labels and nothing else; leave out {flag}")
        click.echo(printable(run(config, origins, suspects, answers, overwrite, as_json)))
        return
    for flag, given_too in (("--from", answers), ("--folds", config.folds),
                            ("--overwrite", overwrite)):  # fmt: skip
        if given_too:
            raise UsageError(f"{flag} goes with --suspects")
    _check_place(page, config)
    report = _reported(config, origins, near, time, page, as_json)
    errors, warnings = report.count("error"), report.count("warning")
    if strict and errors + warnings:
        raise FaultsFound(f"--strict: {counted(errors, 'error')}, {counted(warnings, 'warning')}")


def _reported(
    config: TrainConfig, origins: dict[str, str], near: float | None, time: bool | None,
    page: str, as_json: bool,
) -> Report:  # fmt: skip
    """Look at the data, print the report and write its page; return it."""
    from ..core.check import check
    from ..core.run_folder import finite, write_text
    from .show_check import shown

    chosen = {} if near is None else {"near": near}
    report = check(config, time=time, origins=origins, **chosen)
    if page:
        write_text(Path(page), report.to_html())
    if as_json:
        click.echo(json.dumps(finite(report.to_json()), ensure_ascii=False))
    else:
        written = f"\n\nWritten: {page}" if page else ""
        click.echo(printable(shown(report) + written))
    return report


def _check_place(page: str, config: TrainConfig) -> None:
    """Refuse, before anything is read, a page with a wrong name or in the place of data."""
    if not page:
        return
    others = [*config.train, config.test, "" if config.valid_share is not None else config.valid]
    if Path(page).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--html {page}: expected a name that ends in .html")
    if os.path.isdir(page):
        raise UsageError(f"--html {page}: that is a folder; name a file")
    if os.path.exists(page) and any(
        os.path.exists(path) and os.path.samefile(path, page) for path in others
    ):
        raise UsageError(f"--html {page} is data; choose another name")
