"""``titlekit plugins``: which techniques there are, what each can be told, how to begin one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click

from ..core.errors import TitlekitError, UsageError
from ..core.hooks.assembly import implementations
from ..core.hooks.plugin import Plugin
from ..core.hooks.registry import Entry, builtins, external, find, load
from ..core.options import hints_of, options_of, type_name
from .options import json_option
from .skeletons import HOOKS

# What a plugin changes, told by its hooks: the first group that has one of them is its own.
GROUPS: dict[str, tuple[str, ...]] = {
    "loss": ("criterion",),
    "rows and targets": ("sampling", "augment", "targets"),
    "further passes": ("backward", "objective"),
    "parameters and rates": ("param_groups", "optimizer", "schedule"),
    "precision and model": ("precision", "prepare_model"),
    "averaging": ("evaluate",),
    "stopping": ("should_stop",),
    "watching": ("on_log", "after_step", "train_start", "train_end"),
}


@click.command("plugins")
@click.argument("words", nargs=-1, metavar="[NAME | new NAME]")
@click.option("--hook", metavar="HOOK", help=f"what a new plugin begins with: {', '.join(HOOKS)}")
@json_option
def command(words: tuple[str, ...], hook: str | None, as_json: bool) -> None:
    """List the plugins, show the options of one, or begin one of your own.

    NAME is a plugin or FILE.py:Class. new NAME writes a package with a plugin that works, and
    its tests, into the folder titlekit-NAME.
    """
    from .show_plugins import begun, card, listing

    if words[:1] == ("new",):
        from .new_plugin import new_plugin

        folder = new_plugin(words[1:], hook, Path.cwd())
        click.echo(begun(folder, as_json))
        return
    if hook is not None:
        raise UsageError("--hook: it belongs to titlekit plugins new NAME")
    if len(words) > 1:
        raise UsageError(f"titlekit plugins {' '.join(words)}: expected one name")
    found = _describe(find(words[0])) if words else _rows()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(card(found) if isinstance(found, dict) else listing(found))


def _rows() -> list[dict[str, Any]]:
    """Return one row a plugin, by group, slot and name, broken ones last; nothing raises."""
    entries = [*builtins().values(), *(e for several in external().values() for e in several)]
    rows = []
    for entry in entries:
        row = {
            "name": entry.name, "group": None, "slot": None, "when": "", "summary": "",
            "source": entry.source, "error": "",
        }  # fmt: skip
        try:
            cls = load(entry)
        except UsageError as error:
            row["error"] = str(error)
        else:
            row |= {
                "group": _group(cls), "slot": cls.slot, "when": str(cls.when or ""),
                "summary": cls.summary(),
            }  # fmt: skip
        rows.append(row)
    order = [*GROUPS, None]
    return sorted(rows, key=lambda r: (order.index(r["group"]), r["slot"] or "~", r["name"]))


def _group(cls: type[Plugin]) -> str:
    """Return what a plugin changes; one without hooks changes nothing, and is with the last."""
    found = implementations(cls)
    return next((name for name, hooks in GROUPS.items() if found.keys() & hooks), [*GROUPS][-1])


def _describe(entry: Entry) -> dict[str, Any]:
    cls = load(entry)
    hints = hints_of(cls)
    default, refusal = _at_defaults(entry, cls)
    options = []
    for name, field in options_of(cls).items():
        options.append({
            "name": name, "type": type_name(hints[name]), "default": getattr(default, name),
            "min": field.metadata["min"], "max": field.metadata["max"],
            "choices": field.metadata["choices"], "help": field.metadata["help"],
        })  # fmt: skip
    return {
        "name": entry.name, "source": entry.source, "group": _group(cls), "slot": cls.slot,
        "summary": cls.summary(), "description": cls.description(), "when": cls.when,
        "paper": cls.paper, "requires": cls.requires, "refusal": refusal,
        "passes": _passes(default), "hooks": sorted(implementations(cls)), "options": options,
    }  # fmt: skip


def _at_defaults(entry: Entry, cls: type[Plugin]) -> tuple[Plugin, str]:
    """Return a plugin at its defaults, and why it cannot be made here, as where a library lacks."""
    try:
        return cls(), ""
    except TitlekitError as error:
        refusal = str(error)
    except Exception as error:
        if entry.source == "built-in":
            raise
        refusal = f"{type(error).__name__}: {' '.join(str(error).split())}"
    # Its card can be read all the same: what is shown are the defaults that it declares.
    bare = object.__new__(cls)
    for name, field in options_of(cls).items():
        made = field.default_factory
        setattr(bare, name, field.default if made is dataclasses.MISSING else made())
    return bare, refusal


def _passes(plugin: Plugin) -> float | None:
    """Return the passes that it declares; None where one that was not made cannot say."""
    try:
        return plugin.passes()
    except Exception:
        return None
