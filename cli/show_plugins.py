"""What a person reads about plugins: the listing, one plugin's card, what was begun."""

from __future__ import annotations

import itertools
import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .show import counted, table

_WIDTH = 80  # columns of the listing, for it should fit on one screen
_NAME = 16  # of them for names; a longer one takes a line of its own
_MARGIN = _NAME + 3
_TIED = "\N{NO-BREAK SPACE}"  # between a package and its version


def listing(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the plugins by what they change, each with when to use it; broken ones last."""
    usable = [row for row in rows if not row["error"]]
    lines = [f"{'plugin':<{_MARGIN}}use it when", ""]
    for group, members in itertools.groupby(usable, lambda row: str(row["group"])):
        found = list(members)
        lines.append(f"{group}{_rivals(found)}")
        for row in found:
            lines += _entry(row)
    for row in rows:
        if row["error"]:
            lines += ["", f"{row['name']} ({row['source']}) cannot be used: {row['error']}"]
    lines += [
        "",
        "Of those named so a run takes one; all else combines freely, in any order.",
        "Options of one: titlekit plugins NAME   Your own: titlekit plugins new NAME",
    ]
    return "\n".join(lines)


def _rivals(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return which plugins of a group fill the same slot."""
    slots: dict[str, list[str]] = {}
    for row in rows:
        if row["slot"]:
            slots.setdefault(row["slot"], []).append(row["name"])
    shared = [names for names in slots.values() if len(names) > 1]
    if shared and len(shared[0]) == len(rows):
        return ": one of these"
    return f": one of {'; one of '.join(', '.join(names) for names in shared)}" if shared else ""


def _entry(row: Mapping[str, Any]) -> list[str]:
    text = row["when"] or row["summary"]
    if row["source"] != "built-in":
        text += f" ({row['source'].replace(' ', _TIED)})"
    name, space = f" {row['name']}", " " * _MARGIN
    wrapped = textwrap.wrap(text.strip(), _WIDTH - _MARGIN, break_on_hyphens=False)
    first, *rest = (line.replace(_TIED, " ") for line in wrapped or [""])
    head = [name, space + first] if len(row["name"]) > _NAME else [f"{name:<{_MARGIN}}{first}"]
    return [line.rstrip() for line in (*head, *(space + line for line in rest))]


def begun(folder: Path, as_json: bool) -> str:
    """Return what a new package holds, and the commands that come next."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    if as_json:
        return json.dumps({"folder": str(folder), "files": files}, ensure_ascii=False)
    name = folder.name.removeprefix("titlekit-")
    return "\n".join([
        f"Written: {folder.name} with {', '.join(files)}",
        "Next:",
        f'  pip install -e "{folder.name}[test]"',
        f"  python -m pytest {folder.name}",
        f"  titlekit plugins {name}",
        f"  titlekit train --model tiny --plugins {name}",
    ])  # fmt: skip


def card(shown: Mapping[str, Any]) -> str:
    """Return all that a plugin says of itself."""
    lines = [f"{shown['name']}: {shown['summary']}", ""]
    if shown["description"]:
        lines += [shown["description"], ""]
    passes = shown["passes"] and counted(shown["passes"], "forward pass", "es")
    facts = [
        ["when", shown["when"]], ["slot", shown["slot"] or "none: stacks with anything"],
        ["cost", passes and f"{passes} a micro-batch (plain: 1)"],
        ["hooks", ", ".join(shown["hooks"])], ["paper", shown["paper"]],
        ["source", shown["source"]],
        ["works with", shown["requires"] and f"titlekit {shown['requires']}"],
        ["not here", shown["refusal"]],
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


def _bounds(option: Mapping[str, Any]) -> str:
    if option["choices"]:
        return "|".join(option["choices"])
    low, high = option["min"], option["max"]
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"at least {low:g}"
    return f"at most {high:g}" if high is not None else ""
