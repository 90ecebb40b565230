"""Options that several commands share, and click options made from declared ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..core.config import flag

F = TypeVar("F", bound=Callable[..., Any])


def _some(context: click.Context, _: click.Parameter, runs: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse one argument where two are needed: click calls it DATA, and a person meant RUN."""
    if not runs and not context.resilient_parsing:
        wanted = " ".join(one.make_metavar(context) for one in context.command.params
                          if isinstance(one, click.Argument))  # fmt: skip
        raise click.UsageError(f"expected {wanted}, and got less", context)
    return runs


runs_argument = click.argument("runs", metavar="RUN...", nargs=-1, callback=_some)


def declared(field: dataclasses.Field[Any], short: str = "") -> Callable[[F], F]:
    """Return a click option for a declared option; unset is None, so that layers can merge."""
    default = field.default
    shown = ""
    if default is not dataclasses.MISSING and default not in (None, "", False):
        shown = f"  [default: {default}]"
    choices = field.metadata["choices"]
    names = [flag(field.name), *([short] if short else [])]
    text = field.metadata["help"] + shown
    if isinstance(default, bool):
        return click.option(*names, is_flag=True, default=None, help=text)
    metavar = "|".join(choices) if choices else _METAVARS.get(field.name, "VALUE")
    return click.option(*names, default=None, metavar=metavar, help=text)


_METAVARS = {
    "model": "NAME",
    "plugins": "A,B",
    "config": "FILE",
    "test": "FILE",
    "valid": "SHARE|FILE",
    "out": "FOLDER",
    "text_column": "NAMES",
    "text_pair_column": "NAME",
    "label_column": "NAME",
    "labels": "NAME",
    "weight_column": "NAME",
    "group_column": "NAME",
    "positive": "LABEL",
    "max_length": "N|auto",
}


def loudness(command: F) -> F:
    """Add -q and -v."""
    command = click.option("-v", "--verbose", count=True, help="more notes on stderr")(command)
    return click.option("-q", "--quiet", is_flag=True, help="warnings and errors only")(command)


json_option = click.option("--json", "as_json", is_flag=True, help="print JSON, for machines")
fix_text_option = click.option(
    "--fix-text", is_flag=True, help="mend damaged texts; as ever for a run trained with it"
)
