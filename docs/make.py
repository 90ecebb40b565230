"""Write the generated parts of README.md and docs/ from the code.

A generated part stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; everything else
is written by hand and left alone.

    python docs/make.py            rewrites the parts that are stale
    python docs/make.py --check    changes nothing; names the stale files and exits 1
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import re
import signal
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from figures import FIGURES, ROOT, code, table

from titlekit.cli.check import FaultsFound
from titlekit.cli.evaluate import GateMissed
from titlekit.cli.main import main, titlekit
from titlekit.core import errors
from titlekit.core.config import TrainConfig, flag
from titlekit.core.data.columns import LABEL_NAMES, TEXT_NAMES
from titlekit.core.data.encoding import _RULES
from titlekit.core.data.readers import SUFFIXES
from titlekit.core.hooks import specs
from titlekit.core.hooks.assembly import HOOKS, implementations
from titlekit.core.hooks.registry import builtins, load
from titlekit.core.models import ALIASES
from titlekit.core.options import hints_of, options_of, type_name
from titlekit.core.testing.check import CHECKS

WIDTH = 90  # columns of the commands' help
PART = re.compile(r"<!-- begin (?P<name>[^>]+) -->\n.*?<!-- end (?P=name) -->", re.DOTALL)


def pages() -> list[Path]:
    """Return README.md and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def fresh(page: Path) -> str:
    """Return a page's text with its generated parts made anew."""

    def part(found: re.Match[str]) -> str:
        kind, _, name = found["name"].partition(" ")
        if kind not in PARTS:
            sys.exit(f"{page}: no generated part named {kind!r} (parts: {', '.join(PARTS)})")
        made = PARTS[kind](name, page)
        return f"<!-- begin {found['name']} -->\n{made}\n<!-- end {found['name']} -->"

    text = page.read_text("utf-8")
    if text.count("<!-- begin ") != len(PART.findall(text)):
        sys.exit(f"{page}: a generated part has no end, or an end of another name")
    return PART.sub(part, text)


# The command line


def command_help(name: str, page: Path) -> str:
    command: Any = titlekit
    for word in name.split():
        command = command.get_command(click.Context(command), word)
    path = f"titlekit {name}".rstrip()
    context = click.Context(command, info_name=path, terminal_width=WIDTH)
    context.help_option_names = ["-h", "--help"]
    return f"```text\n{command.get_help(context)}\n```"


def exit_codes(name: str, page: Path) -> str:
    interrupted = {
        number: errors.InterruptedRun("", number).exit_code
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    rows = [
        (0, "done"),
        (errors.RunError.exit_code, "the run failed, e.g. a loss that is not finite, a full disk"),
        (errors.UsageError.exit_code, "wrong usage or data; one line on stderr says what helps"),
        (FaultsFound.exit_code, "`check --strict`: an error or a warning was found in the data"),
        (
            GateMissed.exit_code,
            "`evaluate --fail-under`: a metric is below what was asked for; `export`: the export "
            "answers otherwise",
        ),
        (interrupted[signal.SIGINT], "stopped by Ctrl-C; a training run has saved its state"),
        (interrupted[signal.SIGTERM], "stopped by SIGTERM; a training run has saved its state"),
    ]
    assert errors.DataError.exit_code == errors.UsageError.exit_code
    return table([("exit code", "meaning"), *((str(number), text) for number, text in rows)])


def train_options(name: str, page: Path) -> str:
    rows = [("name", "command line", "type", "default", "meaning")]
    hints = hints_of(TrainConfig)
    for key, field in options_of(TrainConfig).items():
        default = getattr(TrainConfig(), key)
        shown = "" if default in (None, "", []) else code(str(default).lower())
        spelled = "`TRAIN`" if key == "train" else code(flag(key))
        kind = "list of texts" if key == "train" else _kind(hints[key], field)
        rows.append((code(key), spelled, kind, shown, field.metadata["help"]))
    return table(rows)


def _kind(hint: Any, field: Any) -> str:
    choices, low, high = (field.metadata[key] for key in ("choices", "min", "max"))
    words = ", ".join(map(code, choices)) if choices else type_name(hint)
    if high is not None and high > 1e9:
        high = None
    if low is not None and high is not None:
        return f"{words}, {low:g} to {high:g}"
    return f"{words}, at least {low:g}" if low is not None else words


# What the estimator has of its own, or says otherwise; the rest are options of a run.
PARAMETERS = {
    "plugins": "names, the command line's spelling, or plugin objects",
    "plugin_options": "options of plugins by PLUGIN__OPTION, which may be given one by one",
    "class_weight": "weights of the classes, by label, or `balanced`",
    "overwrite": "whether fit may replace the run in `out`",
    "out": "folder of the run; None: nothing is written",
    "random_state": "number, or numpy's RandomState, that drives all but the split; None: another "
    "each time",
    "validation_fraction": "share of the rows to validate on; 0: none",
    "verbose": "0: warnings only, unless your logging shows more; 1: notes and a bar; 2: details",
}


def estimator_parameters(name: str, page: Path) -> str:
    from titlekit import TitleClassifier
    from titlekit.core.parameters import OPTIONS

    rows = [("parameter", "command line", "default", "meaning")]
    options = options_of(TrainConfig)
    for key, one in inspect.signature(TitleClassifier).parameters.items():
        if one.kind is one.VAR_KEYWORD:
            continue
        option = OPTIONS.get(key, key)
        meaning = PARAMETERS.get(key) or options[option].metadata["help"]
        spelled = code(flag(option)) if option in options or key == "overwrite" else ""
        for other, word in OPTIONS.items():
            meaning = meaning.replace(flag(word), code(other))
        rows.append((code(key), spelled, code(repr(one.default)), meaning))
    return table(rows)


# Plugins and models


def described(name: str) -> dict[str, Any]:
    """Return what ``titlekit plugins NAME --json`` says."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        main(["plugins", name, "--json"])
    found: dict[str, Any] = json.loads(output.getvalue())
    return found


def plugin_table(name: str, page: Path) -> str:
    rows = [("plugin", "slot", "what it does", "passes")]
    shown = [described(name) for name in builtins()]
    for one in sorted(shown, key=lambda one: (one["slot"] or "~", one["name"])):
        card = os.path.relpath(ROOT / "docs" / "plugins" / f"{one['name']}.md", page.parent)
        slot = one["slot"] or "none"
        link = f"[{one['name']}]({Path(card).as_posix()})"
        rows.append((link, slot, one["summary"], f"{one['passes']:g}"))
    return table(rows)


def facts(name: str, page: Path) -> str:
    one = described(page.stem)
    slot = f"`{one['slot']}`: one plugin a run" if one["slot"] else "none: stacks with anything"
    cls = load(builtins()[one["name"]])
    saved = "yes" if "state_dict" in vars(cls) else "no"
    passes = "1 forward pass" if one["passes"] == 1 else f"{one['passes']:g} forward passes"
    rows = [
        ("", ""),
        ("slot", slot),
        ("hooks", ", ".join(map(code, one["hooks"]))),
        ("cost", f"{passes} a micro-batch at the defaults (plain training: 1)"),
        ("own state in a checkpoint", saved),
        ("use it when", one["when"]),
        ("source", one["paper"] or "textbook"),
    ]
    text = f"{one['summary']}\n\n{table(rows)}\n\n"
    if not one["options"]:
        return text + "It has no options."
    listed = [("option", "type", "default", "bounds", "meaning")]
    for option in one["options"]:
        default = option["default"]
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        shown = "none" if default is None else shown or '""'
        listed.append(
            (code(option["name"]), option["type"], code(shown), _bounds(option), option["help"])
        )
    return text + table(listed)


def _bounds(option: dict[str, Any]) -> str:
    low, high = option["min"], option["max"]
    if option["choices"]:
        return ", ".join(map(code, option["choices"]))
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else ""


def aliases(name: str, page: Path) -> str:
    rows = [("alias", "model", "pinned revision", "default --lr")]
    for alias, (model, revision, rate) in ALIASES.items():
        shown = code(model) if "/" in model else model
        rows.append((code(alias), shown, code(revision) if revision else "", f"{rate:g}"))
    return table(rows)


# Hooks


def loop(name: str, page: Path) -> str:
    """Return the loop in pseudocode: the indented part of the specs' own docstring."""
    lines = inspect.cleandoc(specs.__doc__ or "").split("\n")
    inside = [number for number, line in enumerate(lines) if line.startswith("    ")]
    text = "\n".join(line[4:] for line in lines[inside[0] : inside[-1] + 1])
    return f"```text\n{text}\n```"


def hook_table(name: str, page: Path) -> str:
    users: dict[str, list[str]] = {hook: [] for hook in HOOKS}
    for plugin, entry in builtins().items():
        for hook in implementations(load(entry)):
            users[hook].append(plugin)
    rows = [("hook", "shape", "slot", "built-in plugins that implement it")]
    for hook in HOOKS:
        slot = specs.SLOTS.get(hook) or specs.PIPES.get(hook)
        rows.append((code(hook), _shape(hook), slot or "", ", ".join(users[hook])))
    return table(rows)


def _shape(hook: str) -> str:
    return "slot" if hook in specs.SLOTS else "pipe" if hook in specs.PIPES else "notice"


def hook(name: str, page: Path) -> str:
    function = getattr(specs.Specs, name)
    found = inspect.signature(function)
    arguments = [f"{one.name}: {one.annotation}" for one in found.parameters.values()][1:]
    arguments = [one for one in arguments if not one.startswith("self")]
    heading = f"### `{name}({', '.join(arguments)}) -> {found.return_annotation}`"
    text = inspect.getdoc(function) or ""
    return f"{heading}\n\n{text.replace('``', '`')}"


def checks(name: str, page: Path) -> str:
    rows = [("check", "what holds", "made for")]
    for check in CHECKS:
        what = (inspect.getdoc(check.function) or "").split("\n")[0]
        rows.append((check.name, what, f"the hook {code(check.hook)}" if check.hook else ""))
    return table(rows)


# Data and tests


def names(name: str, page: Path) -> str:
    found = {"text": TEXT_NAMES, "label": LABEL_NAMES, "encodings": _RULES, "suffixes": SUFFIXES}
    return ", ".join(map(code, found[name]))


def markers(name: str, page: Path) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rows = [("marker", "meaning")]
    for line in project["tool"]["pytest"]["ini_options"]["markers"]:
        marker, _, meaning = line.partition(": ")
        rows.append((code(marker), meaning))
    return table(rows)


# What benchmarks/ measured


PARTS: dict[str, Callable[[str, Path], str]] = {
    "help": command_help,
    "exit-codes": exit_codes,
    "train-options": train_options,
    "estimator-parameters": estimator_parameters,
    "plugins": plugin_table,
    "facts": facts,
    "aliases": aliases,
    "loop": loop,
    "hooks": hook_table,
    "hook": hook,
    "checks": checks,
    "names": names,
    "markers": markers,
    **FIGURES,
}


def run(words: Sequence[str]) -> int:
    """Rewrite or check all pages; return the exit code."""
    os.environ["TITLEKIT_EXTERNAL"] = ""  # what is installed here must not show
    stale = [page for page in pages() if page.read_text("utf-8") != fresh(page)]
    for page in stale:
        print(f"{page.relative_to(ROOT)} {'is stale' if words else 'is written'}")
        if not words:
            page.write_text(fresh(page), "utf-8")
    if words and stale:
        print("python docs/make.py makes them anew")
    return 1 if words and stale else 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(f"usage: {sys.argv[0]} [--check]")
    sys.exit(run(sys.argv[1:]))
