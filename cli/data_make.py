"""``titlekit data make``: made titles, or wrong ones made from one's own good titles."""

from __future__ import annotations

import json
import shlex
from importlib import metadata

import click

from ..core.errors import UsageError
from .main import set_up_logging
from .options import json_option, loudness
from .streams import terminable


@click.command("make")
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="FILE",
    help="good titles: any table, plain lines, BibTeX or RIS; repeatable; default: a grammar",
)
@click.option("--rows", type=int, metavar="N", help="rows to make; with --from default: all")
@click.option("--seed", type=int, default=42, show_default=True, metavar="N", help="drives it all")
@click.option("--out", required=True, metavar="FOLDER", help="folder to make")
@click.option("--text-column", default="", metavar="NAMES", help="of FILE; several by commas")
@click.option("--encoding", default="", metavar="NAME", help="of FILE; default UTF-8 or detected")
@json_option
@loudness
def command(
    sources: tuple[str, ...], rows: int | None, seed: int, out: str, text_column: str,
    encoding: str, as_json: bool, quiet: bool, verbose: int,
) -> None:  # fmt: skip
    """Make labelled titles, half of them correct, each wrong one tagged with its kind.

    With --from, the titles in FILE are the correct ones and wrong ones are made from them: cut off,
    with a header or an abstract glued on, as a citation, and so on. So good titles alone are enough
    to train. Without it a grammar makes both. FOLDER gets titles.csv (title, label, kind) and a
    page that says how they were made. The same input and seed give the same rows everywhere.

    \b
    titlekit data make --from good.txt --out made
    titlekit data make --rows 100000 --seed 1 --out made
    titlekit train made/titles.csv
    """
    set_up_logging(quiet or as_json, verbose)
    if rows is not None and rows < 2:
        raise UsageError(f"--rows: expected a whole number of at least 2, got {rows}")
    if seed < 0:
        raise UsageError(f"--seed: expected a whole number of at least 0, got {seed}")
    if not sources and (text_column or encoding):
        raise UsageError("--text-column and --encoding are about the file of --from; name one")
    from ..core.data.titles.folder import check_folder, write_titles
    from ..core.data.titles.good import count_rows, read_good
    from ..core.data.titles.maker import make_rows

    folder = check_folder(out)
    good = read_good(sources, text_column, encoding) if sources else None
    total = count_rows(rows, good)
    told = {"titlekit": metadata.version("titlekit"), "seed": seed, "from": list(sources)}
    made = make_rows(total, seed, None if good is None else good.titles)
    with terminable():
        found = write_titles(folder, made, total, told, good)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    shown = ", ".join(f"{kind} {count:,}" for kind, count in found["kinds"].items())
    click.echo(f"{found['out']}: {found['rows']:,} rows: {shown}")
    click.echo(f"next: titlekit train {shlex.quote(found['out'])}")
