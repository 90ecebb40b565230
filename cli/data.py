"""``titlekit data``: the commands that make and mend data, loaded when named."""

from __future__ import annotations

import click

from .main import Commands

# As COMMANDS of the whole program; `titlekit data label` is the module data_label.
COMMANDS: dict[str, str] = {
    "label": "Label extracted titles by a catalogue that has the right ones.",
    "fetch": "Download a public data set, verified, into a folder to train on.",
    "make": "Make wrong titles from good ones, or both from a grammar.",
    "apply-fixes": "Mend the labels that a file of suspects says are wrong.",
}


@click.group("data", cls=Commands, table=COMMANDS, prefix="data_")
def command() -> None:
    """Label, fetch, make or mend data to train on.

    \b
    titlekit data label --extracted titles.csv --catalogue crossref.csv --on doi -o labelled.csv
    titlekit data fetch citeseer
    titlekit data make --from good.txt --out made
    """
