"""How plugins are written: ``focal,fgm`` or ``focal(gamma=2),./mine.py:Mine(x=1)``."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UsageError

Call = tuple[str, dict[str, Any]]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*|[^(),]+\.py:[A-Za-z_][A-Za-z0-9_]*")


def parse(text: str) -> list[Call]:
    """Return (name, options) for each plugin of a spelling; no code is evaluated."""
    calls = []
    for part in _split(text):
        name, _, rest = part.partition("(")
        name = name.strip()
        if not _NAME.fullmatch(name) or (rest and not rest.endswith(")")):
            raise UsageError(
                f"--plugins: cannot read {part!r}; expected name or name(option=value), ..."
            )
        calls.append((name, _arguments(name, rest[:-1]) if rest else {}))
    names = [name for name, _ in calls]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--plugins: {name} is named twice; name it once")
    return calls


def spell(calls: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Return the spelling that parses to the same plugins and options."""
    parts = []
    for name, options in calls:
        inside = ",".join(f"{key}={value!r}" for key, value in options.items())
        parts.append(f"{name}({inside})" if inside else name)
    return ",".join(parts)


def with_settings(calls: Sequence[Call], settings: Sequence[str]) -> list[Call]:
    """Return the calls with each ``name.option=value`` of --set applied."""
    merged = [(name, dict(options)) for name, options in calls]
    by_name = dict(merged)
    for setting in settings:
        path, equals, value = setting.partition("=")
        name, dot, key = path.strip().rpartition(".")
        if not equals or not dot or not name or not key:
            raise UsageError(f"--set {setting}: expected name.option=value, e.g. focal.gamma=2")
        if name not in by_name:
            listed = ", ".join(by_name) or "none"
            raise UsageError(f"--set {setting}: {name} is not in --plugins ({listed})")
        by_name[name][key] = value.strip()
    return merged


def _split(text: str) -> list[str]:
    """Cut at the commas that stand outside brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    escaped = False
    for place, sign in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            # Backslashes escape inside quotes only; outside they stand in Windows paths.
            escaped = sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    if depth or quote:
        missing = "quote" if quote else "bracket"
        raise UsageError(f"--plugins {text!r}: a {missing} is not closed")
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _arguments(name: str, text: str) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a text: read as typed
            call = ast.parse(f"f({text})", mode="eval").body
        # A name is called, not the result of a call: "x=1)(y=2" would lose x.
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            raise ValueError
        values = {}
        for keyword in call.keywords:
            if keyword.arg is None or keyword.arg in values:
                raise ValueError
            values[keyword.arg] = ast.literal_eval(keyword.value)
        return values
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise UsageError(
            f"{name}({text}): expected options as name=value with plain values, "
            "e.g. 2, 0.25, 'text', None, [1, 2]"
        ) from None
