"""Translation there and back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.data.columns import is_blank
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option
from ._texts import changed, show_changed

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from ..core.hooks.run import Run


@dataclass(eq=False)
class BackTranslation(Plugin):
    """Replace training texts by their translation there and back.

    In each epoch a row is drawn with probability `share`; its text is translated by the model
    `forward` and back by the model `backward`, any two sequence-to-sequence models. A text whose
    translation is blank, or not over after `max_length` tokens, stays as it is. Validation and test
    texts never change, and neither do the second texts of pairs.
    """

    layout = "any"
    capture_safe = True
    when = "few training texts, and two models that translate them"
    paper = "Sennrich et al. 2016, arXiv 1511.06709; for classifiers Xie et al. 2019, 1904.12848"

    forward: str = option("", "model that translates into another language: folder or hub name")
    backward: str = option("", "model that translates back: folder or hub name")
    share: float = option(0.3, "probability that a row is translated in an epoch", min=0, max=1)
    num_beams: int = option(1, "translations that the search follows side by side", min=1)
    temperature: float = option(0.0, "0: the likeliest translation; above: tokens drawn", min=0)
    max_length: int = option(128, "most tokens of a text and of its translation", min=2)
    batch_size: int = option(32, "texts that are translated at once", min=1)

    def __post_init__(self) -> None:
        """Start with nothing translated."""
        self.known: dict[str, str] = {}  # text -> translation, "" where none is whole
        self.folders: list[Path] = []
        self.device = "cpu"
        self.changed = 0

    def _models(self) -> dict[str, str]:
        names = ("forward", "backward") if self.share else ()  # without a share none is needed
        return {f"back-translation.{name}": getattr(self, name) for name in names}

    @hookimpl
    def prepare_model(self) -> None:
        """Refuse what is wrong before anything is downloaded."""
        from ..core.inference.translation import check_translators

        check_translators(self._models())

    @hookimpl
    def train_start(self, run: Run) -> None:
        """Find the models; begin anew in a new run."""
        from ..core.inference.translation import find_translators

        if run.step == 0:
            self.known = {}
        self.device = str(run.device)
        self.folders = find_translators(self._models(), run.offline)

    @hookimpl(wrapper=True)
    def augment(
        self, rng: Callable[[str], np.random.Generator]
    ) -> Generator[None, list[str], list[str]]:
        """Return the texts, some of them translated there and back."""
        texts = yield
        stream = rng("back-translation")
        drawn = (stream.random(len(texts)) < self.share).nonzero()[0].tolist()
        drawn = [row for row in drawn if not is_blank(texts[row])]
        known = self._translations([texts[row] for row in drawn], int(stream.integers(2**62)))
        new = list(texts)
        for row in drawn:
            new[row] = known[texts[row]] or texts[row]
        self.changed = changed(texts, new)
        if len(known) > len(texts):  # another plugin changes them: they do not come again
            known = {texts[row]: known[texts[row]] for row in drawn}
        self.known = {} if self.temperature else known
        return new

    def _translations(self, texts: list[str], seed: int) -> dict[str, str]:
        from ..core.inference.translation import Decoding, find_translators, there_and_back

        todo = [text for text in dict.fromkeys(texts) if text not in self.known]
        if not todo:
            return self.known
        folders = self.folders or find_translators(self._models(), offline=False)
        how = Decoding(self.num_beams, self.temperature, self.max_length, self.batch_size)
        return self.known | there_and_back(todo, folders, self.device, how, seed)

    def state_dict(self) -> dict[str, Any]:
        """Return the translations: made anew, beside others in a batch, one might differ."""
        return {"known": self.known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the translations."""
        self.known = dict(state["known"])

    @hookimpl
    def on_log(self) -> None:
        """Show the rows changed in this epoch."""
        show_changed(self, self.changed)
