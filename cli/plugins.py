"""``titlekit plugins``: which techniques there are, and what each can be told."""

from __future__ import annotations

import json
from typing import Any

import click

from ..core.errors import UsageError
from ..core.hooks.assembly import implementations
from ..core.hooks.plugin import Plugin
from ..core.hooks.registry import Entry, builtins, external, find, load
from ..core.options import hints_of, options_of, type_name
from .options import json_option


@click.command("plugins")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the plugins, or show the options of one.

    NAME is a plugin or FILE.py:Class.
    """
    from .show import table

    if name is not None:
        entry = find(name)
        shown = _describe(entry, load(entry))
        click.echo(json.dumps(shown, ensure_ascii=False) if as_json else _card(shown))
        return
    rows = _rows()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    cells = [["name", "slot", "summary", "source"]]
    cells += [[row["name"], row["slot"] or "-", row["summary"], row["source"]]
              for row in rows if not row["error"]]  # fmt: skip
    click.echo(table(cells))
    for row in rows:
        if row["error"]:
            click.echo(f"\n{row['name']} ({row['source']}) cannot be used: {row['error']}")
    click.echo("\nOptions of one: titlekit plugins NAME")


def _rows() -> list[dict[str, Any]]:
    """Return one row a plugin, by slot and name, broken ones last; nothing raises."""
    entries = [*builtins().values(), *(e for several in external().values() for e in several)]
    rows = []
    for entry in entries:
        row = {"name": entry.name, "slot": None, "summary": "", "source": entry.source, "error": ""}
        try:
            cls = load(entry)
            row |= {"slot": cls.slot, "summary": cls.summary()}
        except UsageError as error:
            row["error"] = str(error)
        rows.append(row)
    return sorted(rows, key=lambda r: (bool(r["error"]), r["slot"] or "~", r["name"]))


def _describe(entry: Entry, cls: type[Plugin]) -> dict[str, Any]:
    hints = hints_of(cls)
    default = cls()
    options = []
    for name, field in options_of(cls).items():
        options.append({
            "name": name, "type": type_name(hints[name]), "default": getattr(default, name),
            "min": field.metadata["min"], "max": field.metadata["max"],
            "choices": field.metadata["choices"], "help": field.metadata["help"],
        })  # fmt: skip
    return {
        "name": entry.name, "source": entry.source, "slot": cls.slot, "summary": cls.summary(),
        "description": cls.description(), "when": cls.when, "paper": cls.paper,
        "passes": default.passes(), "hooks": sorted(implementations(cls)), "options": options,
    }  # fmt: skip


def _card(shown: dict[str, Any]) -> str:
    from .show import counted, table

    lines = [f"{shown['name']}: {shown['summary']}", ""]
    if shown["description"]:
        lines += [shown["description"], ""]
    facts = [
        ["when", shown["when"]], ["slot", shown["slot"] or "none: stacks with anything"],
        ["cost", f"{counted(shown['passes'], 'forward pass', 'es')} a micro-batch (plain: 1)"],
        ["hooks", ", ".join(shown["hooks"])], ["paper", shown["paper"]],
        ["source", shown["source"]],
    ]  # fmt: skip
    lines += [table([fact for fact in facts if fact[1]]), ""]
    if not shown["options"]:
        return "\n".join([*lines, "No options."])
    rows = [["option", "type", "default", "bounds", "help"]]
    for option in shown["options"]:
        rows.append([
            option["name"], option["type"], _default(option["default"]), _bounds(option),
            option["help"],
        ])  # fmt: skip
    first = shown["options"][0]
    lines += [
        table(rows), "",
        f"titlekit train --plugins {shown['name']} "
        f"--set {shown['name']}.{first['name']}={_default(first['default'])}",
    ]  # fmt: skip
    return "\n".join(lines)


def _default(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if value is None else (
        str(value) or '""'
    )  # fmt: skip


def _bounds(option: dict[str, Any]) -> str:
    if option["choices"]:
        return "|".join(option["choices"])
    low, high = option["min"], option["max"]
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"at least {low:g}"
    return f"at most {high:g}" if high is not None else ""
