"""``titlekit data apply-fixes``: labels mended as a person filled them in."""

from __future__ import annotations

import json
from typing import Any

import click

from .main import printable, set_up_logging
from .options import json_option, loudness
from .show import table


@click.command("apply-fixes")
@click.argument("suspects", metavar="SUSPECTS")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option(
    "-o", "--out", required=True, metavar="FILE|FOLDER",
    help="csv, tsv or jsonl; a folder for a folder or several files",
)  # fmt: skip
@click.option("--text-column", default="", metavar="NAMES", help="text column; several by commas")
@click.option("--label-column", default="", metavar="NAME", help="label column")
@click.option("--encoding", default="", metavar="NAME", help="of DATA; default UTF-8 or detected")
@click.option("--overwrite", is_flag=True, help="replace OUT, which may be DATA itself")
@json_option
@loudness
def command(
    suspects: str, data: tuple[str, ...], out: str, text_column: str, label_column: str,
    encoding: str, overwrite: bool, as_json: bool, quiet: bool, verbose: int,
) -> None:  # fmt: skip
    """Write DATA with the labels that SUSPECTS mends.

    SUSPECTS: the file that titlekit check --suspects wrote, its column fix filled in: a label
    replaces the row's, drop leaves the row out, ok or nothing keeps it. Every other column and row
    stays, in order. A row whose text or label is not what it was is refused, and then nothing is
    written.

    \b
    titlekit check titles.csv --suspects suspects.csv
    titlekit data apply-fixes suspects.csv titles.csv -o mended.csv
    """
    set_up_logging(quiet or as_json, verbose)
    from ..core.data.apply_fixes import apply_fixes

    done = apply_fixes(
        suspects, data, out, text_column=text_column, label_column=label_column,
        encoding=encoding, overwrite=overwrite,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False))
        return
    click.echo(printable(_shown(done)))


def _shown(done: dict[str, Any]) -> str:
    lines = [["change", "rows"]]
    lines += [[change, f"{rows:,}"] for change, rows in done["changes"].items()]
    lines += [[name, f"{done[key]:,}"] for name, key in _NAMES.items() if done[key]]
    said = (
        f"{done['rows']:,} rows read, {done['rows_written']:,} written to {done['out']}: "
        f"{done['relabelled']:,} relabelled, {done['dropped']:,} dropped"
    )
    return f"{table(lines)}\n\n{said}" if len(lines) > 1 else said


_NAMES = {
    "dropped": "dropped",
    "confirmed as they are": "confirmed",
    "not filled in": "not_filled_in",
}
