"""``titlekit train``: one command from a table to a trained classifier."""

from __future__ import annotations

from typing import Any

import click

from ..core.config import TrainConfig, merge, read_toml
from ..core.device import keep_freed_memory
from ..core.errors import UsageError
from ..core.hooks.spelling import parse, spell, with_settings
from ..core.options import options_of
from ..core.signals import handled
from .main import set_up_logging
from .options import declared, json_option, loudness


def _declared_options(function: Any) -> Any:
    for name, field in reversed(options_of(TrainConfig).items()):
        if name != "train":
            function = declared(field)(function)
    return function


@click.command("train")
@click.argument("train", nargs=-1, metavar="[TRAIN]...")
@_declared_options
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME.OPTION=VALUE",
    help="an option of a named plugin; repeatable",
)
@click.option("--config", "recipe", metavar="FILE", help="a recipe (TOML); other options win")
@click.option("--overwrite", is_flag=True, help="replace the run in --out")
@click.option("--resume", "resumed", metavar="RUN", help="continue a stopped run; needs no more")
@click.option("--dry-run", is_flag=True, help="say what would be done, then stop")
@json_option
@loudness
def command(
    train: tuple[str, ...], settings: tuple[str, ...], recipe: str | None, overwrite: bool,
    resumed: str | None, dry_run: bool, as_json: bool, quiet: bool, verbose: int, **options: Any,
) -> None:  # fmt: skip
    """Train a classifier.

    TRAIN: files (csv, tsv, jsonl, xlsx, parquet) with a text and a label column, or a folder with
    positive.txt and negative.txt. Without TRAIN: synthetic titles, made on the spot.

    \b
    titlekit train titles.csv --plugins focal,fgm,amp
    titlekit train titles.csv --plugins focal,fgm --set focal.gamma=1 --model scibert
    titlekit train titles.csv --folds 5
    titlekit train --resume runs/001
    """
    set_up_logging(quiet or as_json, verbose)
    keep_freed_memory()
    given = {name: value for name, value in options.items() if value is not None}
    if train:
        given["train"] = list(train)
    if resumed is not None:
        for flag, value in (("--config", recipe), ("--set", settings), ("--dry-run", dry_run),
                            ("--overwrite", overwrite)):  # fmt: skip
            if value:
                raise UsageError(f"--resume takes the options of the run; leave out {flag}")
        from ..core.session import resume

        with handled():
            result = resume(resumed, given)
    else:
        config, origins, code = _resolve(given, settings, recipe)
        if dry_run:
            from .show import dry_run as show_plan

            click.echo(show_plan(config, origins, code, as_json))
            return
        from ..core.session import train as run_training

        with handled():
            result = run_training(config, origins=origins, code=code, overwrite=overwrite)
    from .show import finished

    click.echo(finished(result, as_json))


def _resolve(
    given: dict[str, Any], settings: tuple[str, ...], recipe: str | None
) -> tuple[TrainConfig, dict[str, str], dict[str, dict[str, str]]]:
    """Merge defaults < recipe < call form < --set; code hashes for what the recipe names."""
    values = read_toml(recipe) if recipe else {}
    recorded = values.pop("code", {})
    code: dict[str, dict[str, str]] = {
        option: recorded
        for option in ("plugins", "metric")
        if option in values and option not in given
    }
    named = given.get("plugins", values.get("plugins", ""))
    if settings:
        given["plugins"] = spell(with_settings(parse(named), settings))
    config, origins = merge([(recipe or "", values), ("command line", given)])
    return config, origins, code
