"""``titlekit predict``: every row of a file answered, its columns kept."""

from __future__ import annotations

import json
import logging
from typing import Any

import click

from ..core.errors import UsageError
from .main import set_up_logging
from .options import fix_text_option, json_option, loudness, runs_argument
from .streams import output, terminable

log = logging.getLogger("titlekit")


@click.command("predict")
@runs_argument
@click.argument("source", metavar="INPUT")
@click.option("-o", "--out", default="-", metavar="FILE", help="csv, tsv or jsonl; default stdout")
@click.option("--text-column", default="", metavar="NAMES", help="text column; several by commas")
@click.option("--text-pair-column", default="", metavar="NAME", help="column of a second text")
@click.option("--encoding", default="", metavar="NAME", help="of INPUT; default UTF-8 or detected")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "tsv", "jsonl", "txt", "bib", "ris"]),
    help="what stdin holds; a file's suffix says it  [default: csv]",
)
@fix_text_option
@click.option("--proba", is_flag=True, help="one more column p_LABEL for every class")
@click.option("--blank-label", default="", metavar="LABEL", help="answer blank texts with this")
@click.option("--overwrite", is_flag=True, help="replace FILE")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N")
@click.option("--offline", is_flag=True, help="make no network request")
@json_option
@loudness
def command(
    runs: tuple[str, ...], source: str, out: str, text_column: str, text_pair_column: str,
    encoding: str, kind: str | None, fix_text: bool, proba: bool, blank_label: str,
    overwrite: bool, device: str, offline: bool, as_json: bool, quiet: bool, verbose: int,
) -> None:  # fmt: skip
    """Answer every row of INPUT with a label and a score.

    RUN: the folder of a run, or any text-classification model. Of several, or of a folder that
    --folds or --seeds left, the probabilities are averaged. INPUT: csv, tsv, jsonl, xlsx,
    parquet, txt (a text a line), bib or ris, or - for stdin. All columns and rows come out in
    order, with predicted_label and score (the label's probability) appended. Blank texts
    get an empty label and score.

    \b
    titlekit predict runs/001 new.csv -o answers.csv
    titlekit predict runs/001 runs/002 new.csv -o answers.csv
    cat new.csv | titlekit predict runs/001 - > answers.csv
    """
    set_up_logging(quiet, verbose)
    if as_json and out == "-":
        raise UsageError("--json: stdout carries the answers; name their file with -o FILE")
    from ..core.data.readers import open_table
    from ..core.inference.stream import check_target, predict_file

    with open_table(source, encoding, kind or "") as table:
        if out != "-":
            check_target(table.name, out, overwrite)  # before the model is loaded
        from ..core.inference.ensemble import load
        from ..core.inference.predictor import known_label

        predictor = load(runs, device, offline)
        known_label(predictor.labels, blank_label)
        with terminable(), output(out) as target:
            counts = predict_file(
                predictor, table, target, text_column=text_column, pair_column=text_pair_column,
                proba=proba, blank_label=blank_label, fix_text=fix_text,
            )  # fmt: skip
    if as_json:
        click.echo(json.dumps({"out": out, **counts}, ensure_ascii=False))
    else:
        log.info("%s", _summary(counts, "" if out == "-" else f"; written to {out}"))


def _summary(counts: dict[str, Any], where: str) -> str:
    shown = ", ".join(f"{name} {rows:,}" for name, rows in counts["by_label"].items())
    blank = f", blank {counts['blank_rows']:,}" if counts["blank_rows"] else ""
    return (
        f"{counts['rows']:,} rows: {shown}{blank}; {counts['seconds']:.1f} seconds, "
        f"{counts['rows_per_second']:,.0f} rows a second{where}"
    )
