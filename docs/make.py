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
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from titlekit.cli.check import FaultsFound
from titlekit.cli.evaluate import GateMissed
from titlekit.cli.main import main, titlekit
from titlekit.core import errors
from titlekit.core.config import TrainConfig, flag
from titlekit.core.data.columns import LABEL_NAMES, TEXT_NAMES
from titlekit.core.data.encoding import _RULES
from titlekit.core.data.readers import SUFFIXES
from titlekit.core.data.titles.faults import SHARES
from titlekit.core.hooks import specs
from titlekit.core.hooks.assembly import HOOKS, implementations
from titlekit.core.hooks.registry import builtins, load
from titlekit.core.models import ALIASES
from titlekit.core.options import hints_of, options_of, type_name
from titlekit.core.testing.check import CHECKS

ROOT = Path(__file__).resolve().parents[1]
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


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first row is its head."""
    head, *body = ([cell.replace("|", r"\|") for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`"


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
        (GateMissed.exit_code, "`evaluate --fail-under`: a metric is below what was asked for"),
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


def measured(name: str) -> dict[str, Any]:
    """Return a result file of benchmarks/."""
    found: dict[str, Any] = json.loads((ROOT / "benchmarks/results" / f"{name}.json").read_text())
    return found


def where(found: dict[str, Any]) -> str:
    """Return what the figures of a result file were measured on."""
    machine, data = found["machine"], found["data"]
    return (
        f"Measured by `{found['command']}` on {data['rows']:,} rows (sha256 "
        f"{data['sha256'][:12]}), {machine['processor']}, {machine['threads']} thread, "
        f"scikit-learn {machine['versions']['scikit-learn']}."
    )


def mean(rows: Sequence[dict[str, Any]], key: str) -> float:
    return sum(row[key] for row in rows) / len(rows)


def baseline_choice(name: str, page: Path) -> str:
    found = measured("baseline")
    rows = [row for row in found["rows"] if row["kind"] == "choice"]
    strengths = sorted({row["C"] for row in rows})
    lines = [("n-grams", *(f"C = {c:g}: accuracy, F1" for c in strengths), "numbers")]
    for grams in dict.fromkeys(row["ngrams"] for row in rows):
        cells = []
        for strength in strengths:
            some = [row for row in rows if (row["ngrams"], row["C"]) == (grams, strength)]
            cells.append(f"{100 * mean(some, 'accuracy'):.1f}, {100 * mean(some, 'f1'):.1f}")
        lines.append((grams, *cells, f"{round(mean(some, 'numbers'), -3):,.0f}"))
    splits = len({row["split_seed"] for row in rows})
    return f"{table(lines)}\n\nMeans over {splits} splits. {where(found)}"


def baseline_test(name: str, page: Path) -> str:
    found = measured("baseline")
    (row,) = (row for row in found["rows"] if row["kind"] == "test")
    bounds = row["intervals"]

    def figure(key: str) -> str:
        low, high = (100 * bounds[key][end] for end in ("low", "high"))
        return f"{100 * row[key]:.1f} % ({low:.1f} to {high:.1f})"

    lines = [
        ("", ""),
        ("accuracy, 95 % interval", figure("accuracy")),
        ("F1 of the correct titles, 95 % interval", figure("f1")),
        ("accuracy with blank rows counted as missed", f"{100 * row['accuracy_all_rows']:.1f} %"),
        ("test rows, blank ones beside", f"{row['rows']:,}, {row['blank_rows']}"),
        ("training rows", f"{row['train_rows']:,}"),
        ("seconds of one core to fit", f"{row['fit_cpu_seconds']:.1f}"),
        (
            f"seconds of one core to answer {row['titles']:,} titles",
            f"{row['predict_cpu_seconds']:.1f}",
        ),
    ]
    return f"{table(lines)}\n\n{where(found)}"


def suspects_results(name: str, page: Path) -> str:
    found = measured("suspects")
    lines = [("model", "planted", "ranked by", "precision = recall at the planted number",
              "average precision", "planted among the suspects")]  # fmt: skip
    keys = ("model", "kind", "ranking")
    for group in dict.fromkeys(tuple(row[key] for key in keys) for row in found["rows"]):
        some = [row for row in found["rows"] if tuple(row[key] for key in keys) == group]
        each = [row["precision_at_planted"] for row in some]
        spread = f"{mean(some, 'precision_at_planted'):.3f} ({min(each):.3f} to {max(each):.3f})"
        among = f"{mean(some, 'suspects_planted'):.0f} of {mean(some, 'suspects'):,.0f}"
        lines.append((group[0], f"{some[0]['planted']} {group[1]}", group[2], spread,
                      f"{mean(some, 'average_precision'):.3f}",
                      among if group[2] == "suspects" else ""))  # fmt: skip
    seeds = len({row["seed"] for row in found["rows"]})
    return f"{table(lines)}\n\nMeans over {seeds} seeds. {where(found)}"


def label_pairs(name: str, page: Path) -> str:
    found = measured("label_from_catalogue")
    lines = [("what differs", "the title is", "correct", "unsure", "wrong")]
    for row in found["rows"]:
        if row["part"] == "pairs":
            total = row["correct"] + row["unsure"] + row["wrong"]
            shares = [f"{100 * row[key] / total:.1f} %" for key in ("correct", "unsure", "wrong")]
            lines.append((row["difference"], row["truth"], *shares))
    return table(lines)


def label_test(name: str, page: Path) -> str:
    found = measured("label_from_catalogue")
    rows = {row["part"]: row for row in found["rows"]}
    test, own, speed = (rows[part] for part in ("test", "Y rows with an original title", "speed"))
    lines = [("rows", "correct", "unsure", "wrong")]
    for what, key, row in (
        ("Y", "Y", test),
        ("N", "N", test),
        ("Y rows that have an original title, against it", "Y", own),
    ):
        counts = [row[f"{key} {label}"] for label in ("correct", "unsure", "wrong")]
        lines.append((f"{sum(counts)} {what}", *map(str, counts)))
    data, machine = found["data"], found["machine"]
    return (
        f"{table(lines)}\n\n{speed['rows']:,} rows against a catalogue of as many took "
        f"{speed['cpu_seconds']:.0f} seconds of one core. Measured by `{found['command']}` on "
        f"{data['rows']:,} rows (sha256 {data['sha256'][:12]}), {machine['processor']}, "
        f"rapidfuzz {found['rapidfuzz']}."
    )


def near_duplicates(name: str, page: Path) -> str:
    found = measured("near_duplicates")
    lines = [("lines", "pairs found", "seconds", "of them on a processor", "memory", "recall",
              "false pairs")]  # fmt: skip
    near = sorted((row for row in found["rows"] if row["kind"] == "near"), key=lambda r: r["rows"])
    for row in near:
        memory = f"{row['peak_memory_mb'] - row['memory_before_mb']:,} MB"
        recall = f"{row['recall']:.4f} of {row['probed_pairs']:,}"
        lines.append((f"{row['rows']:,}", f"{row['pairs']:,}", f"{row['seconds']:.1f}",
                      f"{row['processor_seconds']:.1f}", memory, recall,
                      str(row["false_pairs"])))  # fmt: skip
    load = [row["load"] for row in found["rows"]]
    busy = (
        f"The machine was shared: {min(load):g} to {max(load):g} processes wanted its "
        f"{found['machine']['cores']} cores, so seconds are more than its own work takes."
    )
    return f"{table(lines)}\n\n{where(found)} {busy}"


def check_time(name: str, page: Path) -> str:
    found = measured("near_duplicates")
    row = next((row for row in found["rows"] if row["kind"] == "page"), None)
    if row is None:
        return "How long a whole check takes has not been measured."
    return (
        f"A check of {found['data']['rows']:,} training rows and their test table with minilm's "
        f"tokens, the time of a training and the page took {row['seconds']:.0f} seconds "
        f"({row['processor_seconds']:.0f} on a processor; {row['load']:g} processes wanted the "
        f"{found['machine']['cores']} cores), most of it the start of torch and transformers."
    )


# Figures that were measured


def probe_results(name: str, page: Path) -> str:
    path = ROOT / "benchmarks" / "results" / "probe.json"
    if not path.is_file():
        return "**It has not been run: there is no figure to show, and nothing is claimed.**"
    found = json.loads(path.read_text("utf-8"))
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in found["rows"]:
        runs.setdefault(row["setting"], []).append(row)
    rows = [("fault", "strength", *runs)]
    rows.append(("none", "", *(_mean(run["accuracy"] for run in own) for own in runs.values())))
    for place, one in enumerate(found["rows"][0]["faults"]):
        means = (_mean(run["faults"][place]["accuracy"] for run in own) for own in runs.values())
        rows.append((one["fault"], f"{one['strength']:g}", *means))
    seeds = ", ".join(f"{name} {len(own)}" for name, own in runs.items())
    few = min(map(len, runs.values()))
    claim = " Fewer than six seeds: no difference is claimed." if few < 6 else ""
    return (
        f"Mean accuracy of {found['model']}, trained on {found['data']['rows']:,} rows for "
        f"{found['epochs']:g} epochs, on {found['rows'][0]['rows']:,} rows; seeds: {seeds}.{claim}"
        f"\n\n{table(rows)}"
    )


def _mean(values: Iterable[float]) -> str:
    listed = list(values)
    return f"{sum(listed) / len(listed):.4f}"


def title_kinds(name: str, page: Path) -> str:
    from titlekit.core.data.titles.maker import make_rows

    found: dict[str, list[str]] = {}
    for row in make_rows(2000, 42):
        if row.label == "wrong" and len(row.title) < 90:
            found.setdefault(row.kind, []).append(row.title)
    rows = [("kind", "share of the wrong rows", "for example")]
    for kind, share in SHARES:
        rows.append((kind, f"{share} %", code(found[kind][0].replace("`", "'"))))
    return table(rows)


def titles_results(name: str, page: Path) -> str:
    if not (ROOT / "benchmarks" / "results" / "titles.json").is_file():
        return "**It has not been run: there is no figure to show, and nothing is claimed.**"
    found = measured("titles")
    lines = [("trained on", "model", "training rows", "epochs", "seed", "accuracy, 95 % interval",
              "F1", "AUROC")]  # fmt: skip
    sources = ("own good titles", "grammar", "real lines")
    rows = sorted(found["rows"], key=lambda row: (row["model"], sources.index(row["source"])))
    for row in rows:
        bounds = row["intervals"]["accuracy"]
        between = f"({100 * bounds['low']:.1f} to {100 * bounds['high']:.1f})"
        epochs = "" if row["epochs"] is None else f"{row['epochs']:g}"
        lines.append((row["source"], row["model"], f"{row['train_rows']:,}", epochs,
                      str(row["seed"]), f"{100 * row['accuracy']:.1f} % {between}",
                      f"{100 * row['f1']:.1f}", f"{100 * row['roc_auc']:.1f}"))  # fmt: skip
    data, row = found["data"], found["rows"][0]
    return (
        f"{table(lines)}\n\nOn the {row['rows']} rows of {data['test']} that have a title (sha256 "
        f"of the file {data['test_sha256'][:12]}), each read once, after training. {where(found)}"
    )


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
    "label-pairs": label_pairs,
    "label-test": label_test,
    "names": names,
    "markers": markers,
    "title-kinds": title_kinds,
    "titles-results": titles_results,
    "near-duplicates": near_duplicates,
    "check-time": check_time,
    "baseline-choice": baseline_choice,
    "baseline-test": baseline_test,
    "suspects-results": suspects_results,
    "probe": probe_results,
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
