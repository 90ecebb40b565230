"""The parts of the documentation that show what was measured: tables from benchmarks/results."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from titlekit.core.data.titles.faults import SHARES

ROOT = Path(__file__).resolve().parents[1]


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first row is its head."""
    head, *body = ([cell.replace("|", r"\|") for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`"


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


def speed(name: str, page: Path) -> str:
    """Return who did how many rows a second in one part: train or predict."""
    if not (ROOT / "benchmarks/results/speed.json").is_file():
        return "**It has not been run: there is no figure to show, and nothing is claimed.**"
    found = measured("speed")
    by: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(found["rows"], key=lambda row: row["round"]):
        if row["part"] == name:
            by.setdefault(row["who"], []).append(row)
    if not by:
        return "**It has not been run: there is no figure to show, and nothing is claimed.**"
    ours = {row["round"]: _rate(row) for row in by["titlekit"]}
    unit = "tokens" if name == "train" else "rows"  # batches are not of one length
    heads = ["", f"{unit} a second", "lowest to highest", "titlekit does"]
    lines = [[*heads, *(["of the matrix peak"] if name == "train" else [])]]
    for who, own in sorted(by.items(), key=lambda item: _median(item[1])):
        rates = [_rate(row) for row in own]
        ratio = statistics.median(ours[row["round"]] / _rate(row) for row in own)
        cells = [
            who,
            f"{_median(own):.0f}",
            f"{min(rates):.0f} to {max(rates):.0f}",
            f"{ratio:.2f} x",
        ]
        # A token costs two operations a weight, and a training step three times that.
        work = 6 * found["matrix_parameters"]
        used = [row["tokens"] * work / row["seconds"] / 1e9 / row["matrix_gflops"] for row in own]
        lines.append([*cells, *([f"{100 * statistics.median(used):.0f} %"] * (name == "train"))])
    machine, versions = found["machine"], found["machine"]["versions"]
    return (
        f"{table(lines)}\n\nMedians of {len(ours)} rounds with {found['model']}, "
        f"{found['torch_threads']} threads of {machine['processor']}, torch {versions['torch']}, "
        f"transformers {versions['transformers']}; what titlekit does is the median of the ratios "
        f"within a round. Measured by `{found['command']}` on {found['data']['rows']:,} rows "
        f"(sha256 {found['data']['sha256'][:12]})."
    )


def _median(rows: Iterable[dict[str, Any]]) -> float:
    return statistics.median(map(_rate, rows))


def _rate(row: dict[str, Any]) -> float:
    """Return real tokens a second where they were counted, else rows."""
    return float((row["tokens"] or row["rows"]) / row["seconds"])


FIGURES: dict[str, Callable[[str, Path], str]] = {
    "label-pairs": label_pairs,
    "label-test": label_test,
    "title-kinds": title_kinds,
    "titles-results": titles_results,
    "near-duplicates": near_duplicates,
    "check-time": check_time,
    "baseline-choice": baseline_choice,
    "baseline-test": baseline_test,
    "suspects-results": suspects_results,
    "probe": probe_results,
    "speed": speed,
}
