"""``titlekit export``: a run as a file for other programs, checked against the run."""

from __future__ import annotations

import json

import click

from ..core.errors import UsageError
from .main import printable, set_up_logging
from .options import json_option, loudness, runs_argument
from .streams import terminable


@click.command("export")
@runs_argument
@click.option(
    "--format",
    "kind",
    type=click.Choice(["onnx", "transformers"]),
    default="onnx",
    help="onnx, or a transformers folder  [default: onnx]",
)
@click.option(
    "--quantize", type=click.Choice(["int8"]), help="int8 matrix products, for a faster CPU"
)
@click.option("--out", default="", metavar="FOLDER", help="default RUN/onnx, RUN/onnx-int8, ...")
@click.option(
    "--rows", default="", metavar="FILE", help="to compare on; default the run's validation rows"
)
@click.option("--text-column", default="", metavar="NAMES", help="of FILE; several by commas")
@click.option(
    "--bake-decision", "baked", is_flag=True, help="fold temperature and threshold into the weights"
)
@click.option("--overwrite", is_flag=True, help="replace an export that is there")
@click.option("--offline", is_flag=True, help="make no network request")
@json_option
@loudness
def command(
    runs: tuple[str, ...], kind: str, quantize: str | None, out: str, rows: str, text_column: str,
    baked: bool, overwrite: bool, offline: bool, as_json: bool, quiet: bool, verbose: int,
) -> None:  # fmt: skip
    """Write a classifier as ONNX, for onnxruntime, with all that is needed to answer.

    RUN: the folder of a run, or any text-classification model. Both models answer the same rows,
    and an export that answers otherwise is refused: in float32 where probabilities differ by more
    than 1e-4, in int8 below 98 % equal labels (a warning below 99 %) or where the accuracy falls
    by more than half a point. predict and evaluate take the folder as they take a run's.

    \b
    titlekit export runs/001
    titlekit export runs/001 --quantize int8 --bake-decision
    titlekit export NAME --rows titles.csv --out model
    """
    set_up_logging(quiet or as_json, verbose)
    if len(runs) > 1:
        raise UsageError(f"export takes one model, and got {len(runs)}: {', '.join(runs)}")
    from ..core.inference.export import Wanted, describe, export_run

    with terminable():
        found = export_run(
            runs[0], out, Wanted(kind, quantize or "", baked), rows=rows, text_column=text_column,
            overwrite=overwrite, offline=offline,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(printable(f"{found['out']}: {describe(found)}"))
