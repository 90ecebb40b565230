"""Synthetic titles: the data of a first run, made on the spot from a seed."""

from __future__ import annotations

from .titles.maker import make_rows


def make_titles(rows: int, seed: int) -> tuple[list[str], list[str]]:
    """Return `rows` texts and their labels, half "correct" and half "wrong", in random order.

    The same rows and seed give the same texts on every platform.
    """
    made = list(make_rows(rows, seed))
    return [row.title for row in made], [row.label for row in made]
