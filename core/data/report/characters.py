"""Characters that are not the writer's: wrong encodings, HTML, control characters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..repair import CONTROLS, ENTITIES, KINDS, LOST, kinds_of_damage
from .corpus import Corpus
from .findings import Finding, of_rows, percent

TAGS = "html tags"
_TAG = re.compile(
    r"</?(?:a|b|br|div|em|font|i|inf|p|sub|sup|span|strong|tt|u|mml:\w+)(?:\s[^<>]*)?/?>", re.I
)
_MENDS = "--fix-text mends what is sure, in training and in answers alike"
_LEFT = "this is what --fix-text left: it mends what is sure"
_HELP = {
    LOST: "what stood there is lost; take these rows from their source again, or drop them",
    TAGS: "remove the markup before training, or leave it if the texts to come bear it too",
}


def damage(corpus: Corpus) -> dict[str, list[int]]:
    """Return the numbers of the rows that show each kind of damage, kinds without rows left out."""
    found: dict[str, list[int]] = {kind: [] for kind in (*KINDS, TAGS)}
    columns = [corpus.rows.texts, *([corpus.rows.pairs] if corpus.rows.pairs else [])]
    for number, texts in enumerate(zip(*columns, strict=True)):
        kinds = {kind for text in texts for kind in kinds_of_damage(text)}
        if any("<" in text and _TAG.search(text) for text in texts):
            kinds.add(TAGS)
        for kind in kinds:
            found[kind].append(number)
    return {kind: numbers for kind, numbers in found.items() if numbers}


def find_damage(
    corpus: Corpus, found: Mapping[str, list[int]], fixed: bool = False
) -> Iterator[Finding]:
    """Yield the damaged rows of each split, kind by kind, from what ``damage`` returned.

    `fixed`: whether the texts were mended when they were read.
    """
    for kind, numbers in found.items():
        for place, split in enumerate(corpus.splits):
            mine = [number for number in numbers if corpus.split_of[number] == place]
            if mine:
                share = percent(len(mine) / len(corpus.where(split)))
                shows = "row shows" if len(mine) == 1 else "rows show"
                yield Finding(
                    "warning", kind.replace(" ", "-"), split,
                    f"{len(mine):,} {shows} {_spoken(kind)} ({share})",
                    _HELP.get(kind, _LEFT if fixed else _MENDS), **of_rows(corpus, mine),
                )  # fmt: skip


def _spoken(kind: str) -> str:
    named = {ENTITIES: "HTML entities", TAGS: "HTML tags", LOST: "a replacement character"}
    return named.get(kind, kind if kind == CONTROLS else f"damage of encoding ({kind})")
