"""Texts that were damaged on their way: which damage a text shows, and the text without it."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections import Counter

from .encoding import clip
from .gbk import from_big5

log = logging.getLogger("titlekit")

GBK = "gbk read as big5"
UTF8 = "utf-8 read as cp1252"
ENTITIES = "html entities"
CONTROLS = "control characters"
LOST = "replacement character"  # the only one that nothing can mend: its text is gone
KINDS = (GBK, UTF8, ENTITIES, CONTROLS, LOST)

_SAID = {GBK: "GBK read as Big5", UTF8: "UTF-8 read as cp1252", ENTITIES: "HTML entities"}

# Nearly every text is told from a damaged one by this alone.
_SUSPECT = re.compile(r"[^\t\n\r -~]|&#?[0-9A-Za-z]{1,24};")
_BREAKS = "\x0b\x0c\x1c\x1d\x1e\x1f\x85"  # parted words or lines; others stand inside words
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")


def kinds_of_damage(text: str) -> tuple[str, ...]:
    """Return the KINDS of damage that a text shows, in their order; () for a sound one."""
    if _SUSPECT.search(text) is None:
        return ()
    whole = _without_entities(text)
    found = (
        (GBK, from_big5(whole) != whole),
        (UTF8, _is_misread(whole)),
        (ENTITIES, whole != text),
        (CONTROLS, _CONTROL.search(text) is not None),
        (LOST, "\ufffd" in text),
    )
    return tuple(kind for kind, there in found if there)


def mend(text: str) -> str:
    """Return a text without the damage that can be undone; a sound text comes back as it is.

    Entities become their characters, bytes that were read in the wrong encoding are read in the
    right one where that is sure, control characters go. What mend returns it leaves as it is.
    """
    while _SUSPECT.search(text) is not None:
        mended = _without_controls(_reread(from_big5(_without_entities(text))))
        if mended == text:
            break
        text = mended
    return text


@dataclasses.dataclass
class Damage:
    """What damage the texts of one file show; with `fix` they come back mended."""

    name: str  # of the file, for messages
    fix: bool = False
    texts: int = 0  # that show some that can be mended
    kinds: Counter[str] = dataclasses.field(default_factory=Counter)
    examples: dict[bool, tuple[int, str]] = dataclasses.field(default_factory=dict)  # by: is lost

    def take(self, text: str, line: int) -> str:
        """Note what a text of a line shows; return it, or it mended."""
        found = kinds_of_damage(text)
        if not found:
            return text
        self.kinds.update(found)
        self.texts += found != (LOST,)
        for kind in found:
            self.examples.setdefault(kind == LOST, (line, text))
        return mend(text) if self.fix else text

    def report(self) -> None:
        """Say how many texts are damaged, or were mended, of what kinds, and show one."""
        if self.texts:
            plural = "text is" if self.texts == 1 else "texts are"
            kinds = [kind for kind in KINDS if self.kinds[kind] and kind != LOST]
            shown = ", ".join(f"{_SAID.get(kind, kind)} in {self.kinds[kind]}" for kind in kinds)
            if self.fix:
                log.info("%s: %d %s mended (%s)", self.name, self.texts, plural, shown)
            else:
                log.warning(
                    "%s: %d %s damaged (%s), e.g. %s; --fix-text mends what is sure",
                    self.name, self.texts, plural, shown, self._example(False),
                )  # fmt: skip
        if lost := self.kinds[LOST]:
            log.warning(
                "%s: %d %s a replacement character, e.g. %s; what stood there is lost, read the "
                "source again",
                self.name, lost, "text holds" if lost == 1 else "texts hold", self._example(True),
            )  # fmt: skip

    def _example(self, lost: bool) -> str:
        line, text = self.examples[lost]
        return f"{self.name}:{line}: {clip(text)}"


def _without_entities(text: str) -> str:
    from ftfy.fixes import unescape_html

    # Titles are no markup: "&amp;lt;" was escaped twice.
    while "&" in text and (plain := unescape_html(text)) != text:
        text = plain
    return text


def _reread(text: str) -> str:
    from ftfy import fix_encoding

    return fix_encoding(text)


def _is_misread(text: str) -> bool:
    """Return whether some of a text is UTF-8 that was read in an encoding of single bytes."""
    from ftfy import fix_encoding_and_explain

    steps = fix_encoding_and_explain(text).explanation or []
    return any(step.parameter.removeprefix("decode_").endswith("utf8")
               or step.parameter.startswith("utf-8") for step in steps)  # fmt: skip


def _without_controls(text: str) -> str:
    return _CONTROL.sub(lambda sign: " " if sign[0] in _BREAKS else "", text)
