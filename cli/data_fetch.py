"""``titlekit data fetch``: a public data set into a folder that ``train`` reads."""

from __future__ import annotations

import json
import shlex

import click

from .main import set_up_logging
from .options import json_option, loudness
from .streams import terminable


@click.command("fetch")
@click.argument("name")
@click.option("--out", default="", metavar="FOLDER", help="where to put it  [default: NAME]")
@click.option(
    "--mirror",
    default="",
    metavar="URL",
    help="stands for https://raw.githubusercontent.com, or is a folder with the files; "
    "default TITLEKIT_MIRROR",
)
@click.option("--offline", is_flag=True, help="make no network request: only the cache is read")
@json_option
@loudness
def command(
    name: str, out: str, mirror: str, offline: bool, as_json: bool, quiet: bool, verbose: int
) -> None:
    """Download a public data set, verified, into a folder to train on.

    NAME: citeseer, 232,402 titles that were extracted from papers, correctly or not, and 1,000 test
    rows. Downloads are kept in TITLEKIT_CACHE (default ~/.cache/titlekit) and taken up again where
    they were cut off.

    \b
    titlekit data fetch citeseer
    titlekit data fetch citeseer --out data/citeseer --mirror https://mirror.example.org
    """
    set_up_logging(quiet, verbose)
    from ..core.data.fetch import fetch

    with terminable():
        found = fetch(name, out, mirror, offline)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    from .show import table

    click.echo(table([[file, f"{size:,} bytes"] for file, size in found["files"].items()]))
    folder = shlex.quote(found["folder"])
    click.echo(f"from {found['source']} at {found['commit'][:12]}; licence: {found['licence']}")
    click.echo(f"next: titlekit check {folder}; titlekit train {folder}")
