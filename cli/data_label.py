"""``titlekit data label``: labels for extracted titles, from a catalogue of right ones."""

from __future__ import annotations

import json
import logging
import shlex
from typing import Any

import click

from ..core.errors import UsageError
from .main import set_up_logging
from .options import json_option, loudness
from .streams import output, terminable

log = logging.getLogger("titlekit")


@click.command("label")
@click.option("--extracted", required=True, metavar="FILE", help="titles to label; - for stdin")
@click.option("--catalogue", required=True, metavar="FILE", help="the right titles; - for stdin")
@click.option(
    "--on",
    required=True,
    metavar="NAME",
    help="column of the key, e.g. doi; EXTRACTED=CATALOGUE where the names differ",
)
@click.option("-o", "--out", default="-", metavar="FILE", help="csv, tsv or jsonl; default stdout")
@click.option("--extracted-title", default="", metavar="NAME", help="column of extracted titles")
@click.option("--catalogue-title", default="", metavar="NAME", help="column of the right titles")
@click.option(
    "--correct-up-to",
    default=0.0,
    show_default=True,
    metavar="D",
    help="distance up to which a title is correct",
)
@click.option(
    "--wrong-from",
    default=0.1,
    show_default=True,
    metavar="D",
    help="distance from which it is wrong",
)
@click.option(
    "--subtitle",
    default="unsure",
    show_default=True,
    type=click.Choice(["correct", "wrong", "unsure"]),
    help="a title that ends before the other's subtitle",
)
@click.option("--overwrite", is_flag=True, help="replace FILE")
@json_option
@loudness
def command(
    extracted: str, catalogue: str, on: str, out: str, extracted_title: str, catalogue_title: str,
    correct_up_to: float, wrong_from: float, subtitle: str, overwrite: bool, as_json: bool,
    quiet: bool, verbose: int,
) -> None:  # fmt: skip
    """Label extracted titles by a catalogue that has the right ones.

    Each row's title is compared with the catalogue's of the same key, without case, punctuation,
    hyphens, ligatures, accents, HTML and spaces. FILE gets the rows that are correct or wrong, with
    label, distance (0: the same letters, 1: nothing in common) and the catalogue's title appended;
    train on it as it is. What is not sure stands beside it in NAME.unsure.SUFFIX, with the reason.

    \b
    titlekit data label --extracted titles.csv --catalogue crossref.csv --on doi -o labelled.csv
    titlekit train labelled.csv
    """
    set_up_logging(quiet, verbose)
    if as_json and out == "-":
        raise UsageError("--json: stdout carries the rows; name their file with -o FILE")
    from ..core.data.match import Rules
    from ..core.data.match_tables import Join, label_file

    join = Join(extracted, catalogue, on, extracted_title, catalogue_title)
    rules = Rules(correct_up_to, wrong_from, subtitle)
    with terminable(), output(out) as target:
        found = label_file(join, target, rules, overwrite)
    _report(found, out, as_json)


def _report(found: dict[str, Any], out: str, as_json: bool) -> None:
    several = found["keys_with_several_titles"]
    if several:
        count = (
            f"{several:,} keys of the catalogue have"
            if several > 1
            else "1 key of the catalogue has"
        )
        log.info("%s several titles: the nearest one counts", count)
    if as_json:
        click.echo(json.dumps({"out": out, **found}, ensure_ascii=False))
        return
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in found["reasons"].items())
    unsure = f"unsure {found['unsure']:,}{f' ({reasons})' if reasons else ''}"
    sure = f"correct {found['correct']:,}, wrong {found['wrong']:,}"
    if out == "-":
        log.info("%s; left out: %s", sure, unsure)
        return
    click.echo(f"{out}: {sure}\n{found['unsure_out']}: {unsure}")
    column = found["text_column"] and f" --text-column {shlex.quote(found['text_column'])}"
    click.echo(f"next: titlekit train {shlex.quote(out)}{column}")
