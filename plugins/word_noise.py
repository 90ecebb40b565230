"""Random deletion and swapping of words."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option
from ._texts import changed, show_changed

if TYPE_CHECKING:
    import numpy as np


def noisy(text: str, delete: float, swap: float, rng: np.random.Generator) -> str:
    """Return the text with words deleted, then neighbours swapped; at least one word stays.

    `delete`: probability of each word; `swap`: probability of each pair of neighbours, from the
    left, a swapped pair moving no further. Words stand between white space. A text that nothing
    happens to, or of one word, is returned as it is. After Wei and Zou 2019, section 2.
    """
    words = text.split()
    if len(words) < 2:
        return text
    draws = rng.random(len(words))
    kept = [word for word, draw in zip(words, draws, strict=True) if draw >= delete]
    if not kept:
        kept = [words[rng.integers(len(words))]]
    place = 0
    while place + 1 < len(kept):
        if rng.random() < swap:
            kept[place], kept[place + 1] = kept[place + 1], kept[place]
            place += 1
        place += 1
    return text if kept == words else " ".join(kept)


@dataclass(eq=False)
class WordNoise(Plugin):
    """Delete and swap words of the training texts, anew in every epoch.

    Each word is deleted with probability `delete`, at least one stays; then each pair of
    neighbours is swapped with probability `swap`. Wei and Zou swap any two words, here they are
    neighbours. Words stand between white space: a text without any is left alone. Validation and
    test texts stay as they are, and so do the second texts of pairs.
    """

    layout = "any"
    capture_safe = True
    when = "few training texts, and single words should not decide"
    paper = "Wei and Zou 2019, EDA: Easy Data Augmentation, arXiv 1901.11196"

    delete: float = option(0.1, "probability that a word is deleted", min=0, max=1)
    swap: float = option(0.1, "probability that two neighbours are swapped", min=0, max=1)

    def __post_init__(self) -> None:
        """Start with no row changed."""
        self.changed = 0

    @hookimpl(wrapper=True)
    def augment(
        self, rng: Callable[[str], np.random.Generator]
    ) -> Generator[None, list[str], list[str]]:
        """Return the texts with noise."""
        texts = yield
        stream = rng("word-noise")
        new = [noisy(text, self.delete, self.swap, stream) for text in texts]
        self.changed = changed(texts, new)
        return new

    @hookimpl
    def on_log(self) -> None:
        """Show the rows changed in this epoch."""
        show_changed(self, self.changed)
