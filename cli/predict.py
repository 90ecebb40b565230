"""``titlekit predict``: every row of a file answered, its columns kept."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import signal
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from ..core.errors import UsageError
from .main import printable, set_up_logging
from .options import json_option, loudness

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("titlekit")


@click.command("predict")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.argument("source", metavar="INPUT")
@click.option("-o", "--out", default="-", metavar="FILE", help="csv, tsv or jsonl; default stdout")
@click.option("--text-column", default="", metavar="NAMES", help="text column; several by commas")
@click.option("--text-pair-column", default="", metavar="NAME", help="column of a second text")
@click.option("--encoding", default="", metavar="NAME", help="of INPUT; default UTF-8 or detected")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "tsv", "jsonl"]),
    help="what stdin holds; a file's suffix says it  [default: csv]",
)
@click.option("--proba", is_flag=True, help="one more column p_LABEL for every class")
@click.option("--blank-label", default="", metavar="LABEL", help="answer blank texts with this")
@click.option("--overwrite", is_flag=True, help="replace FILE")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N")
@click.option("--offline", is_flag=True, help="make no network request")
@json_option
@loudness
def command(
    runs: tuple[str, ...], source: str, out: str, text_column: str, text_pair_column: str,
    encoding: str, kind: str | None, proba: bool, blank_label: str, overwrite: bool, device: str,
    offline: bool, as_json: bool, quiet: bool, verbose: int,
) -> None:  # fmt: skip
    """Answer every row of INPUT with a label and a score.

    RUN: the folder of a run, or any text-classification model. Of several, or of a folder that
    --folds or --seeds left, the probabilities are averaged. INPUT: csv, tsv, jsonl or xlsx, or -
    for stdin. All columns and rows come out in order, with predicted_label and score (the label's
    probability) appended. Blank texts get an empty label and score.

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
        with _terminable(), _stdout() if out == "-" else contextlib.nullcontext(out) as target:
            counts = predict_file(
                predictor, table, target, text_column=text_column, pair_column=text_pair_column,
                proba=proba, blank_label=blank_label,
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


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, so that no half file stays."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Screen(io.TextIOBase):
    """A terminal: control characters are shown, not obeyed."""

    def write(self, text: str) -> int:
        return sys.stdout.write(printable(text))


@contextlib.contextmanager
def _stdout() -> Iterator[TextIO]:
    """Give stdout for data: UTF-8 whatever the console's encoding, unless it is a terminal."""
    if sys.stdout.isatty():
        yield _Screen()  # type: ignore[misc]
        return
    sys.stdout.flush()
    stream = io.TextIOWrapper(
        sys.stdout.buffer, "utf-8", errors="backslashreplace", newline="", write_through=True
    )
    try:
        yield stream
        stream.flush()
    finally:
        stream.detach()  # stdout stays open
