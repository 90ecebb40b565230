"""``titlekit evaluate``: a classifier on labelled rows, mistakes first."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.device import keep_freed_memory
from ..core.errors import TitlekitError, UsageError, nearest
from .main import printable, set_up_logging
from .options import fix_text_option, json_option, loudness, runs_argument
from .show import number
from .show_evaluation import OF_POSITIVE, report

if TYPE_CHECKING:
    from ..core.evidence.evaluation import Evaluation
    from ..core.evidence.probe import Probe


class GateMissed(TitlekitError):
    """A metric below what --fail-under asks for."""

    exit_code = 4


@click.command("evaluate")
@runs_argument
@click.argument("data", metavar="DATA")
@click.option("--text-column", default="", metavar="NAMES", help="text column; several by commas")
@click.option("--text-pair-column", default="", metavar="NAME", help="column of a second text")
@click.option("--label-column", default="", metavar="NAME", help="label column")
@click.option("--encoding", default="", metavar="NAME", help="of DATA; default UTF-8 or detected")
@fix_text_option
@click.option("--blank-label", default="", metavar="LABEL", help="answer blank texts with this")
@click.option("--out", default="", metavar="FILE.json", help="default RUN/predictions/DATA.json")
@click.option(
    "--predictions", default="", metavar="FILE.csv", help="default RUN/predictions/DATA.csv"
)
@click.option(
    "--fail-under", "gates", multiple=True, metavar="METRIC=VALUE", help="exit 4 below; repeatable"
)
@click.option(
    "--probe", "probing", is_flag=True, help="answer again with seeded faults in the texts"
)
@click.option(
    "--probe-seed", type=click.IntRange(min=0), metavar="N", help="of the faults; default 42"
)
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N")
@click.option("--offline", is_flag=True, help="make no network request")
@json_option
@loudness
def command(
    runs: tuple[str, ...], data: str, text_column: str, text_pair_column: str, label_column: str,
    encoding: str, fix_text: bool, blank_label: str, out: str, predictions: str,
    gates: tuple[str, ...], probing: bool, probe_seed: int | None, device: str, offline: bool,
    as_json: bool, quiet: bool, verbose: int,
) -> None:  # fmt: skip
    """Measure a classifier on labelled rows.

    RUN: the folder of a run, or any text-classification model. Of several, or of a folder that
    --folds or --seeds left, the probabilities are averaged. DATA: a table with a text and a
    label column, or a folder with a test table. Intervals are 95 %, by bootstrap over the rows.
    The written predictions begin with the most confident mistakes. --probe also answers the
    texts misread, in other case, cut, with a header glued on, and with words divided.

    \b
    titlekit evaluate runs/001 test.csv
    titlekit evaluate runs/001 test.csv --fail-under f1=0.85 --json
    """
    set_up_logging(quiet or as_json, verbose)
    keep_freed_memory()
    if probe_seed is not None and not probing:
        raise UsageError("--probe-seed: there is nothing to draw; give --probe too")
    least = dict(_gate(text) for text in gates)
    _check_places(data, out, predictions)
    from ..core.evidence.evaluation import evaluate, load_rows
    from ..core.evidence.probe import probe
    from ..core.inference.ensemble import load
    from ..core.inference.predictor import known_label

    predictor = load(runs, device, offline)
    known_label(predictor.labels, blank_label)
    _check_gates(least, predictor.positive)
    dataset = load_rows(
        predictor, data, text_column=text_column, pair_column=text_pair_column,
        label_column=label_column, encoding=encoding, fix_text=fix_text,
    )  # fmt: skip
    evaluation = evaluate(predictor, dataset, blank_label)
    seed = 42 if probe_seed is None else probe_seed
    probed = probe(predictor, evaluation, seed) if probing else None
    if predictor.folder is not None:
        stem = "stdin" if data == "-" else Path(data).resolve().stem
        out = out or str(predictor.folder / "predictions" / f"{stem}.json")
        predictions = predictions or str(predictor.folder / "predictions" / f"{stem}.csv")
    found = _written(evaluation, probed, out, predictions)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(printable(report(evaluation, probed, found["files"])))
    _refuse_missed(found, least)


def _refuse_missed(found: dict[str, Any], least: dict[str, float]) -> None:
    missed = [
        f"{name} is {number(found[name])}, --fail-under asks for {value:g}"
        for name, value in least.items()
        if found[name] is None or found[name] < value
    ]
    if missed:
        raise GateMissed("; ".join(missed))


def _gate(text: str) -> tuple[str, float]:
    name, sign, shown = text.partition("=")
    try:
        value = float(shown)
    except ValueError:
        value = math.nan
    if not sign or not math.isfinite(value):
        raise UsageError(f"--fail-under: expected METRIC=VALUE, e.g. f1=0.85, got {text!r}")
    return name.strip(), value


def _check_gates(least: dict[str, float], positive: str | None) -> None:
    from ..core.training.metrics import METRICS

    known = [name for name in METRICS if positive is not None or name not in OF_POSITIVE]
    for name in least:
        if name not in (*known, "accuracy_all_rows"):
            raise UsageError(
                f"--fail-under: no metric {name!r} here{nearest(name, known)}  "
                f"(metrics: {', '.join(known)}, accuracy_all_rows)"
            )


def _check_places(data: str, out: str, predictions: str) -> None:
    """Refuse, before the model is loaded, data that is not there and places that are wrong."""
    for flag, place, suffix in (("--out", out, ".json"), ("--predictions", predictions, ".csv")):
        if place and Path(place).suffix.lower() != suffix:
            raise UsageError(f"{flag} {place}: expected a name that ends in {suffix}")
        if place and os.path.exists(place) and os.path.exists(data):
            inside = Path(data).resolve() in Path(place).resolve().parents
            if inside or os.path.samefile(place, data):
                raise UsageError(f"{flag} {place} is data; choose another name")
    if data != "-" and not os.path.isdir(data):
        from ..core.data.files import open_bytes

        open_bytes(data).close()


def _written(
    evaluation: Evaluation, probed: Probe | None, out: str, predictions: str
) -> dict[str, Any]:
    """Write what has a place; return the results with the places under "files"."""
    from ..core.evidence.evaluation import write_predictions
    from ..core.run_folder import write_json

    found = evaluation.to_json()
    if out:
        write_json(Path(out), found)
    if predictions:
        write_predictions(Path(predictions), evaluation)
    places = [place for place in (out, predictions) if place]
    if probed is not None:
        found = {**found, "probe": probed.to_json()}
        if out:
            places.append(str(Path(out).with_suffix(".probe.json")))
            write_json(Path(places[-1]), found["probe"])
    return {**found, "files": places}
