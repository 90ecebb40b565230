"""LaTeX in the fields of a bibliography, as plain text."""

from __future__ import annotations

import functools
import logging
import re
from typing import Any

_PLAIN = str.maketrans({"{": "", "}": "", "~": "\N{NO-BREAK SPACE}"})
_LIGATURES = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"))
# Signs that mean something to LaTeX and that people put into titles as they are.
_BARE = re.compile(r"(?<!\\)([%&#])")
_DOLLAR = re.compile(r"(?<!\\)\$")
# What only looks different; the converter drops the words of some of these.
_LOOKS = re.compile(
    r"\\(?:text(?:tt|bf|it|sc|sf|rm|sl|up|md|normal)|emph|underline|uline|mbox|hbox|text|url|path|"
    r"math(?:cal|bf|rm|sf|it|tt|frak)|boldsymbol|bm|uppercase|lowercase|ensuremath|nocase|href\s*\{[^{}]*\})\s*(?=\{)"
)
_NAMES = re.compile(r"\\((?:La|Bib)?TeX)(?![A-Za-z])")
_ESCAPED = re.compile(r"\\([%&#_$~{}])")


def plain_text(text: str) -> str:
    r"""Return a field without LaTeX: G{\"o}del -> Gödel, \emph{x} -> x, {DNA} -> DNA.

    Mathematics keeps its signs ($\alpha$ -> α, $n^2$ -> n^2); what cannot be read stays as it is.
    White space, line ends too, is one space.
    """
    if "\\" in text or "$" in text:
        if len(_DOLLAR.findall(text)) % 2:  # money, not mathematics
            text = _DOLLAR.sub(r"\\$", text)
        text = _decoded(_BARE.sub(r"\\\1", _LOOKS.sub("", _NAMES.sub(r"\1", text))))
    else:
        for written, sign in _LIGATURES:
            text = text.replace(written, sign)
        text = text.translate(_PLAIN)
    return " ".join(text.split())


def plain_link(text: str) -> str:
    r"""Return a DOI or an address, whose _, % and ~ a bibliography may have escaped."""
    return _ESCAPED.sub(r"\1", "".join(text.split()))


def _decoded(text: str) -> str:
    try:
        return str(_converter().latex_to_text(text))
    except Exception:  # its parser raises errors of many kinds at broken LaTeX
        return text


@functools.cache
def _converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text

    logging.getLogger("pylatexenc").setLevel(logging.ERROR)
    return LatexNodes2Text(math_mode="text", strict_latex_spaces=False)
