"""A data report as plain text: findings first, then the tables behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..core.data.report.findings import percent
from .show import counted, duration, table

if TYPE_CHECKING:
    from ..core.check import Report

_CLASSES = 12  # of a table that a screen shows


def shown(report: Report) -> str:
    """Return the report as a person reads it."""
    found = report.to_json()
    parts = [_finding(finding) for finding in found["findings"]]
    parts = parts or ["Nothing was found."]
    parts += [table([["", "rows", "blank", "files"], *_rows(found)]), _classes(found)]
    parts += [table([*_lengths(found)])]
    parts += list(_padding(found["max_length"]))
    if found["copies"]:
        parts += [table([["rows of", "that stand in", "copy", "rows"], *_copies(found)])]
    for one in found["drift"]:
        parts.append(
            f"{one['split']} against train: {percent(one['moved'])} of the labels differ, "
            f"chi-square test p = {one['p']:.2g}"
        )
    parts += list(_time(found))
    levels = (counted(report.count(level), level) for level in ("error", "warning", "note"))
    return "\n\n".join([*parts, ", ".join(levels)])


def _finding(found: dict[str, Any]) -> str:
    where = f"{found['split']}: " if found["split"] else ""
    lines = [f"{found['level']:8} {where}{found['text']}"]
    more = len(found["rows"]) - len(found["examples"])
    lines += [f"         {example}" for example in found["examples"]]
    if found["examples"] and more > 0 and "text_number" not in found["rows"][0]:
        lines.append(f"         … and {more:,} more (--json lists all)")
    if found["help"]:
        lines.append(f"         -> {found['help']}")
    return "\n".join(lines)


def _rows(found: dict[str, Any]) -> Iterator[list[str]]:
    for name, split in found["splits"].items():
        yield [name, f"{split['rows']:,}", f"{split['blank_rows']:,}", ", ".join(split["files"])]


def _classes(found: dict[str, Any]) -> str:
    """Return the classes with the most training rows, and their shares in every split."""
    train = found["splits"]["train"]["classes"]
    order = sorted(range(len(train)), key=lambda place: -train[place]["rows"])[:_CLASSES]
    rows = [["class", *(f"{name}{part}" for name in found["splits"] for part in ("", " %")),
             "suggested weight"]]  # fmt: skip
    for place in sorted(order):
        cells = [train[place]["label"]]
        for split in found["splits"].values():
            one = split["classes"][place]
            cells += [f"{one['rows']:,}", f"{100 * one['share']:.1f}"]
        rows.append([*cells, f"{train[place]['weight']:.3g}"])
    more = len(train) - len(order)
    return table(rows) + (f"\n… and {counted(more, 'class', 'es')} more" if more else "")


def _lengths(found: dict[str, Any]) -> Iterator[list[str]]:
    quantiles = ("50", "90", "99", "99.9")
    yield ["", "length in", "mean", *(f"{q} % at most" for q in quantiles), "longest"]
    for name, split in found["splits"].items():
        for kind in ("characters", "words", "tokens"):
            if one := split[kind]:
                values = [str(one["quantiles"].get(q, "-")) for q in quantiles]
                yield [name, kind, f"{one['mean']:.1f}", *values, str(one["longest"])]


def _padding(found: dict[str, Any] | None) -> Iterator[str]:
    if not found:
        return
    rows = [["max length", "rows cut", "share", "padding to it", "to a batch's longest"]]
    for one in found["lengths"]:
        rows.append([
            str(one["max_length"]) + ("" if one["fits"] else " (too long for the model)"),
            f"{one['cut_rows']:,}", percent(one["cut_share"]),
            percent(one["padding_to_max_length"]), percent(one["padding_to_longest"]),
        ])  # fmt: skip
    yield table(rows)
    yield f"Recommended: --max-length {found['recommended']} ({found['reason']})"


def _copies(found: dict[str, Any]) -> Iterator[list[str]]:
    for one in found["copies"]:
        yield [one["split"], one["other_split"], one["kind"], f"{one['rows']:,}"]


def _time(found: dict[str, Any]) -> Iterator[str]:
    for split, one in found["splits"].items():
        if one["tokens"] and one["tokens"]["rows_with_unknown"]:
            tokens = one["tokens"]
            yield (
                f"{split}: {percent(tokens['unknown_share'])} of the tokens are unknown to the "
                f"model, in {counted(tokens['rows_with_unknown'], 'row')}"
            )
    if time := found["time"]:
        yield (
            f"Training {found['model']['asked']} would take about {duration(time['seconds'])} "
            f"here, on {time['device']}: {counted(time['epochs'], 'epoch')}, "
            f"{counted(time['steps'], 'step')} of {time['seconds_per_step']:.2f} s, "
            f"{counted(time['evaluations'], 'evaluation')} of "
            f"{time['seconds_per_evaluation']:.1f} s"
        )
