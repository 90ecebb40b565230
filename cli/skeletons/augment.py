"""A pipe on texts: other training texts, shortened ones to begin with."""

from __future__ import annotations

MODULE = '''\
"""Other training texts, anew in every epoch."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from titlekit import Plugin, hookimpl, option

if TYPE_CHECKING:
    import numpy as np


def shortened(texts: list[str], share: float, rng: np.random.Generator) -> list[str]:
    """Return the texts, a share of those of several words without their last one."""
    chosen = rng.random(len(texts)) < share
    return [
        text.rsplit(maxsplit=1)[0] if cut and len(text.split()) > 1 else text
        for text, cut in zip(texts, chosen, strict=True)
    ]


@dataclass(eq=False)
class $cls(Plugin):
    """Take the last word from some of the training texts."""

    when = "a start for an augmentation of your own"
    requires = ">=$version"

    share: float = option(0.1, "share of the texts that lose a word", min=0, max=1)

    @hookimpl(wrapper=True)
    def augment(
        self, rng: Callable[[str], np.random.Generator]
    ) -> Generator[None, list[str], list[str]]:
        """Return as many texts, which depend on these and on rng alone."""
        texts = yield
        return shortened(texts, self.share, rng("$name"))

    @hookimpl
    def on_log(self) -> None:
        """Say that it acts; not in augment, which a resumed run calls once more."""
        self.count("records")
'''

# What its test imports: of others, and of the module.
OTHERS = """\
import numpy as np
"""
OWN = "$cls, shortened"

TEST = """\
def test_texts_by_hand() -> None:
    texts = ["A Theory of Titles", "References", ""]
    found = shortened(texts, 1.0, np.random.default_rng(0))
    assert found == ["A Theory of", "References", ""]


def test_without_a_share_they_are_left_alone() -> None:
    texts = ["A Theory of Titles"]
    assert shortened(texts, 0.0, np.random.default_rng(0)) == texts
"""
