"""The ``titlekit`` command: commands loaded when named, one place where errors end."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Mapping
from typing import Any

import click

from ..core.errors import TitlekitError, nearest

# Command -> the line that --help shows; the modules are imported when named, so that help and
# wrong usage answer before torch is loaded.
COMMANDS = {
    "train": "Train a classifier from a table, a folder or synthetic titles.",
    "evaluate": "Score a run on labelled rows: metrics with intervals, mistakes first.",
    "predict": "Answer every row of a file: a label and a score.",
    "export": "Write a run as ONNX, float32 or int8, checked against the run.",
    "check": "Say what is wrong with data, before it is trusted.",
    "data": "Label, fetch, make or mend data to train on.",
    "plugins": "List the techniques, show one with its options, or begin one.",
    "doctor": "Say what is installed here and what is missing.",
}


class Commands(click.Group):
    """A group of the commands of a table: command -> the line that --help shows.

    The module of a command bears the prefix and the command's last word: with "data_",
    "apply-fixes" is data_fixes.
    """

    def __init__(
        self, *given: Any, table: Mapping[str, str], prefix: str = "", **more: Any
    ) -> None:
        super().__init__(*given, **more)
        self.table = table
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a person's work."""
        return list(self.table)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command's module."""
        if name not in self.table:
            return None
        module = importlib.import_module(f".{self.prefix}{name.split('-')[-1]}", __package__)
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Refuse an unknown command with the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in self.table:
            raise click.UsageError(
                f"no command named {args[0]!r}{nearest(args[0], self.table)}  "
                f"(commands: {', '.join(self.table)})",
                ctx,
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.table.items()))


@click.group(cls=Commands, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="titlekit", prog_name="titlekit")
def titlekit() -> None:
    """Fine-tune text classifiers with named techniques, in any combination.

    \b
    titlekit train                                 synthetic titles, nothing to supply
    titlekit train titles.csv --plugins focal,fgm,amp
    titlekit evaluate runs/001 test.csv
    titlekit predict runs/001 new.csv -o answers.csv
    """


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = printable(record.getMessage())
        return text if record.levelno < logging.WARNING else f"Warning: {text}"


def set_up_logging(quiet: bool, verbose: int) -> None:
    """Send titlekit's notes to stderr: warnings with -q, details with -v."""
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    log = logging.getLogger("titlekit")
    log.handlers = [logging.StreamHandler(sys.stderr)]
    log.handlers[0].setFormatter(_Lines())
    log.setLevel(level)
    log.propagate = False


def printable(text: str) -> str:
    """Return the text with control characters escaped, so that no terminal obeys them."""
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else repr(sign)[1:-1] for sign in text
    )


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A console that is not UTF-8 must not end a run: what it lacks is shown escaped.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = titlekit.main(args=args, prog_name="titlekit", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = 2
    except click.ClickException as error:
        text = error.format_message()
        context = getattr(error, "ctx", None)
        hint = f"  ({context.command_path} --help)" if context else "  (titlekit --help)"
        _fail(text.rstrip(".") + hint)
        code = 2
    except TitlekitError as error:
        _fail(str(error))
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped.", err=True)
        code = 130
    except OSError as error:
        if error.errno is None or (error.filename is None and error.errno != 28):
            raise
        where = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror}{where}")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _fail(text: str) -> None:
    click.echo(f"Error: {printable(' '.join(text.split()) if chr(10) in text else text)}", err=True)
