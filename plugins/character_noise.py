"""Misread characters: what reading from paper and PDF does to a text."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.data.noise import ocr
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option
from ._texts import changed, show_changed

if TYPE_CHECKING:
    import numpy as np


@dataclass(eq=False)
class CharacterNoise(Plugin):
    """Misread characters of the training texts, anew in every epoch.

    A row is drawn with probability `share`; each of its characters is then misread with probability
    `rate`: taken for what looks like it (rn for m, 1 for l, 0 for O), a ligature or an accent lost,
    a character dropped, doubled or followed by a space, a space lost. Scripts without spaces are
    misread sign by sign. Validation and test texts stay as they are, and so do the second texts of
    pairs.
    """

    layout = "any"
    capture_safe = True
    when = "texts come from scans or PDF, and misread ones should count too"
    paper = (
        "Belinkov and Bisk 2018, Synthetic and Natural Noise Both Break Neural Machine "
        "Translation, arXiv 1711.02173; kinds after Kukich 1992, ACM Computing Surveys 24(4)"
    )

    rate: float = option(0.03, "probability that a character is misread", min=0, max=1)
    share: float = option(0.5, "probability that a row is drawn at all", min=0, max=1)

    def __post_init__(self) -> None:
        """Start with no row changed."""
        self.changed = 0

    @hookimpl(wrapper=True)
    def augment(
        self, rng: Callable[[str], np.random.Generator]
    ) -> Generator[None, list[str], list[str]]:
        """Return the texts with noise."""
        texts = yield
        stream = rng("character-noise")
        drawn = stream.random(len(texts)) < self.share
        new = [
            ocr(text, self.rate, stream) if chosen else text
            for text, chosen in zip(texts, drawn.tolist(), strict=True)
        ]
        self.changed = changed(texts, new)
        return new

    @hookimpl
    def on_log(self) -> None:
        """Show the rows changed in this epoch."""
        show_changed(self, self.changed)
