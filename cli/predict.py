"""``titlekit predict``: every row of a file answered, its columns kept."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import click

from ..core.device import keep_freed_memory
from ..core.errors import DataError, UsageError
from .main import set_up_logging
from .options import fix_text_option, json_option, loudness, runs_argument
from .streams import output, terminable

log = logging.getLogger("titlekit")


@click.command("predict")
@runs_argument
@click.argument("source", metavar="INPUT")
@click.option(
    "-o",
    "--out",
    default="-",
    metavar="FILE",
    help="csv, tsv, jsonl (also .gz) or parquet; default stdout",
)
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
@click.option("--rejects", default="", metavar="FILE.csv", help="set rows aside that are no rows")
@click.option("--cache", default="", metavar="FILE", help="keep scores; reuse those of known texts")
@click.option("--overwrite", is_flag=True, help="replace FILE")
@click.option("--quantize", type=click.Choice(["int8"]), help="answer in int8, on the CPU")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N")
@click.option("--offline", is_flag=True, help="make no network request")
@json_option
@loudness
def command(
    runs: tuple[str, ...], source: str, out: str, text_column: str, text_pair_column: str,
    encoding: str, kind: str | None, fix_text: bool, proba: bool, blank_label: str, rejects: str,
    cache: str, overwrite: bool, quantize: str | None, device: str, offline: bool, as_json: bool,
    quiet: bool, verbose: int,
) -> None:  # fmt: skip
    """Answer every row of INPUT with a label and a score.

    RUN: the folder of a run, or any text-classification model. Of several, or of a folder that
    --folds or --seeds left, the probabilities are averaged. INPUT: csv, tsv, jsonl, xlsx,
    parquet, txt (a text a line), bib or ris, or - for stdin. All columns and rows come out in
    order, with predicted_label and score (the label's probability) appended. Blank texts
    get an empty label and score. A FILE that was stopped or killed goes on with the same
    command; FILE.json says what answered.

    \b
    titlekit predict runs/001 new.csv -o answers.csv
    titlekit predict runs/001 runs/002 new.csv -o answers.csv
    titlekit predict runs/001 all.csv.gz -o answers.parquet --rejects bad.csv --cache scores.db
    cat new.csv | titlekit predict runs/001 - > answers.csv
    """
    set_up_logging(quiet, verbose)
    if as_json and out == "-":
        raise UsageError("--json: stdout carries the answers; name their file with -o FILE")
    _refuse_same({"-o": out, "--rejects": rejects, "--cache": cache})
    from ..core.data.readers import open_table

    with contextlib.ExitStack() as stack:
        stack.enter_context(terminable())
        aside = stack.enter_context(_rejected(rejects, source, overwrite))
        table = stack.enter_context(open_table(source, encoding, kind or "", aside))
        from ..core.inference.cache import open_cache
        from ..core.inference.predictor import known_label
        from ..core.inference.reuse import Reusing
        from ..core.inference.stream import check_answers, predict_file

        if out != "-":
            check_answers(table.name, out, overwrite)  # before the model is loaded
        known = stack.enter_context(open_cache(cache)) if cache else None
        predictor = _load(runs, quantize, device, offline)
        known_label(predictor.labels, blank_label)
        target = stack.enter_context(output(out))
        counts = predict_file(
            Reusing(predictor, known), table, target, text_column=text_column,
            pair_column=text_pair_column, proba=proba, blank_label=blank_label, fix_text=fix_text,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps({"out": out, **counts}, ensure_ascii=False))
    else:
        log.info("%s", _summary(counts, rejects, "" if out == "-" else f"; written to {out}"))


def _refuse_same(names: dict[str, str]) -> None:
    """Refuse two options that name one file."""
    taken: dict[str, str] = {}
    for option, name in names.items():
        first = taken.setdefault(os.path.abspath(name), option) if name not in ("", "-") else option
        if first != option:
            raise UsageError(f"{option} {name}: {first} has the same name; choose another one")


def _load(runs: tuple[str, ...], quantize: str | None, device: str, offline: bool) -> Any:
    from ..core.inference.ensemble import load

    keep_freed_memory()
    if quantize:
        from ..core.inference.quantized import quantised

        return load(quantised(runs, quantize, offline), device, offline)
    return load(runs, device, offline)


@contextlib.contextmanager
def _rejected(rejects: str, source: str, overwrite: bool) -> Iterator[Any]:
    """Give the place for rows that are no rows; without one their error names the option."""
    if rejects:
        from ..core.data.writers import check_target, open_rejects

        check_target(source, rejects, overwrite, {".csv": "csv"}, "--rejects")
        with open_rejects(rejects) as place:
            yield place
        return
    from ..core.data.rows import RowFault

    try:
        yield None
    except RowFault as fault:
        raise DataError(f"{fault}; --rejects FILE.csv sets such rows aside") from None


def _summary(counts: dict[str, Any], rejects: str, where: str) -> str:
    shown = ", ".join(f"{name} {rows:,}" for name, rows in counts["by_label"].items())
    blank = f", blank {counts['blank_rows']:,}" if counts["blank_rows"] else ""
    aside = f", set aside in {rejects} {counts['rejected_rows']:,}" if rejects else ""
    cached = f", {counts['from_cache']:,} scores from the cache" if counts["from_cache"] else ""
    return (
        f"{counts['rows']:,} rows: {shown}{blank}{aside}; {counts['seconds']:.1f} seconds, "
        f"{counts['rows_per_second']:,.0f} rows a second{cached}{where}"
    )
