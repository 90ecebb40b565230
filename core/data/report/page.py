"""A report as one page of HTML that needs nothing beside it: no script, no network, no font."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .findings import counted, percent

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c1c1c; background: #fff }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.2rem }
table { border-collapse: collapse; margin: .6rem 0 } caption { text-align: left; font-weight: 600 }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
article { border-left: 6px solid #777; padding: .1rem 1rem; margin: .8rem 0; background: #f6f6f6 }
.error { border-color: #b00020 } .warning { border-color: #b26a00 } .note { border-color: #33691e }
article p { margin: .3rem 0 } ul { margin: .3rem 0; padding-left: 1.2rem }
li { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere }
svg { display: block; margin: .4rem 0 } rect { fill: #3b6ea5 } text { font: 12px sans-serif }
"""
_WIDTH, _HEIGHT = 640, 120  # of a chart's bars, in pixels


def page(report: Mapping[str, Any]) -> str:
    """Return the page of a report, from its JSON form."""
    names = ", ".join(report["data"])
    parts = [
        f"<h1>{_plain(f'Data report: {names}')}</h1>",
        *_findings(report["findings"]),
        "<h2>Rows</h2>",
        _table([["", "rows", "blank", "files"], *_rows(report)]),
        *_classes(report),
        *_lengths(report),
        *_padding(report["max_length"]),
        *_copies(report),
        *_time(report),
        f"<p>{_plain('titlekit ' + report['titlekit'])}</p>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{_plain(f'Data report: {names}')}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{chr(10).join(parts)}\n</body>\n</html>\n"
    )


def _plain(text: object) -> str:
    """Return a text as HTML shows it: markup and control characters escaped."""
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in str(text))
    return html.escape(shown)


def _table(rows: Sequence[Sequence[object]], caption: str = "") -> str:
    """Return a table; the first row is its head."""
    head = "".join(f'<th scope="col">{_plain(cell)}</th>' for cell in rows[0])
    body = "\n".join(
        f"<tr>{''.join(f'<td>{_plain(cell)}</td>' for cell in row)}</tr>" for row in rows[1:]
    )
    named = f"<caption>{_plain(caption)}</caption>" if caption else ""
    return f"<table>{named}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _findings(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "<h2>Findings</h2>"
    if not findings:
        yield "<p>Nothing was found.</p>"
    for one in findings:
        where = f"{one['split']}: " if one["split"] else ""
        yield f'<article class="{_plain(one["level"])}">'
        yield f"<p><strong>{_plain(one['level'])}</strong> {_plain(where + one['text'])}</p>"
        if one["help"]:
            yield f"<p>{_plain(one['help'])}</p>"
        if one["examples"]:
            items = "".join(f"<li>{_plain(example)}</li>" for example in one["examples"])
            yield f"<ul>{items}</ul>"
        yield "</article>"


def _rows(report: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, split in report["splits"].items():
        yield [name, f"{split['rows']:,}", f"{split['blank_rows']:,}", ", ".join(split["files"])]


def _classes(report: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Classes</h2>"
    for name, split in report["splits"].items():
        rows = [["class", "rows", "share", "suggested weight"]]
        for one in split["classes"]:
            weight = f"{one['weight']:.3g}" if "weight" in one else ""
            rows.append([one["label"], f"{one['rows']:,}", percent(one["share"]), weight])
        width = 4 if name == "train" else 3
        yield _table([row[:width] for row in rows], name)
    for one in report["drift"]:
        yield (
            f"<p>{_plain(one['split'])} against train: {percent(one['moved'])} of the labels "
            f"differ; chi-square test {one['statistic']:.1f} with {one['degrees']} degrees of "
            f"freedom, p = {one['p']:.2g}</p>"
        )


def _lengths(report: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Lengths</h2>"
    for name, split in report["splits"].items():
        kind = "tokens" if split["tokens"] else "characters"
        found = split[kind]
        yield f"<h3>{_plain(name)}, {kind}</h3>"
        yield _bars(found["histogram"], f"rows of {name} by length in {kind}")
        rows = [["", "mean", *(f"{q} % at most" for q in found["quantiles"]), "longest"]]
        for kind in ("characters", "words", "tokens"):
            if one := split[kind]:
                quantiles = [str(value) for value in one["quantiles"].values()]
                rows.append([kind, f"{one['mean']:.1f}", *quantiles, str(one["longest"])])
        yield _table(rows)


def _bars(histogram: Sequence[Mapping[str, int]], named: str) -> str:
    """Return bars as inline SVG; each says its rows when pointed at."""
    if not histogram:
        return "<p>no rows</p>"
    most = max(bar["rows"] for bar in histogram)
    step = _WIDTH / len(histogram)
    bars = []
    for place, bar in enumerate(histogram):
        height = _HEIGHT * bar["rows"] / most
        bars.append(
            f'<rect x="{place * step:.1f}" y="{_HEIGHT - height:.1f}" width="{step * 0.9:.1f}" '
            f'height="{height:.1f}"><title>{bar["from"]} to {bar["to"]}: '
            f"{counted(bar['rows'], 'row')}</title></rect>"
        )
    first, last = histogram[0]["from"], histogram[-1]["to"]
    return (
        f'<svg role="img" aria-label="{_plain(named)}" width="{_WIDTH}" height="{_HEIGHT + 18}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT + 18}">{"".join(bars)}'
        f'<text x="0" y="{_HEIGHT + 14}">{first}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 14}" text-anchor="end">{last}</text></svg>'
    )


def _padding(found: Mapping[str, Any] | None) -> Iterator[str]:
    if not found:
        return
    yield "<h2>Longest input</h2>"
    yield f"<p>Recommended: {found['recommended']} tokens. {_plain(found['reason'])}.</p>"
    rows = [["--max-length", "rows cut", "share", "padding to it", "to a batch's longest"]]
    for one in found["lengths"]:
        beyond = "" if one["fits"] else " (more than the model takes)"
        rows.append([
            f"{one['max_length']}{beyond}", f"{one['cut_rows']:,}", percent(one["cut_share"]),
            percent(one["padding_to_max_length"]), percent(one["padding_to_longest"]),
        ])  # fmt: skip
    yield _table(rows, f"training rows; padding as a share of what a batch of "
                       f"{found['batch_size']} holds")  # fmt: skip


def _copies(report: Mapping[str, Any]) -> Iterator[str]:
    if report["copies"]:
        yield "<h2>Copies</h2>"
        rows = [["rows of", "that stand in", "copy", "rows"]]
        for one in report["copies"]:
            rows.append([one["split"], one["other_split"], one["kind"], f"{one['rows']:,}"])
        yield _table(rows)


def _time(report: Mapping[str, Any]) -> Iterator[str]:
    if found := report["time"]:
        yield "<h2>Time</h2>"
        yield (
            f"<p>A training of {_plain(report['model']['asked'])} would take about "
            f"{found['seconds'] / 60:.1f} minutes here, on {_plain(found['device'])}: "
            f"{counted(found['steps'], 'step')} of {found['seconds_per_step']:.2f} s and "
            f"{counted(found['evaluations'], 'evaluation')} of "
            f"{found['seconds_per_evaluation']:.1f} s.</p>"
        )
