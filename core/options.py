"""One declaration of an option feeds parsing, errors, listings, JSON and docs."""

from __future__ import annotations

import ast
import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

from .errors import UsageError, nearest


def option(
    default: Any,
    help: str,
    *,
    min: float | None = None,
    max: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Declare an option of a plugin or of a run as a dataclass field."""
    declared = {"help": help, "min": min, "max": max, "choices": choices}
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=declared)
    return dataclasses.field(default=default, metadata=declared)


def options_of(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """Return the declared options of a dataclass by name, in order."""
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    return {field.name: field for field in fields if "help" in field.metadata}


def type_name(hint: Any) -> str:
    """Return the words for a type hint: ``number``, ``whole number``, ``text``, ``list``."""
    words = {float: "number", int: "whole number", str: "text", bool: "true or false"}
    names = []
    for kind in _kinds(hint):
        if kind is type(None):
            names.append("none")
        elif typing.get_origin(kind) is list:
            names.append("list of numbers")
        else:
            names.append(words.get(kind, getattr(kind, "__name__", str(kind))))
    return " or ".join(names)


def convert(label: str, field: dataclasses.Field[Any], hint: Any, raw: Any) -> Any:
    """Return `raw` (text or value) as the declared type of an option, within its bounds.

    Raises UsageError, e.g. ``focal.gamma: expected a number of at least 0, got 'two'``.
    """
    kinds = _kinds(hint)
    value = _literal(raw) if isinstance(raw, str) and kinds != (str,) else raw
    for kind in kinds:
        fitted = _fit(kind, value, raw)
        if fitted is not _MISFIT:
            _check_bounds(label, field, hint, fitted)
            return fitted
    raise UsageError(f"{label}: expected {_expected(field, hint)}, got {raw!r}")


def build(cls: type, name: str, given: Mapping[str, Any]) -> Any:
    """Return an instance of the dataclass `cls` from option values given as text or values."""
    fields = options_of(cls)
    hints = typing.get_type_hints(cls)
    values = {}
    for key, raw in given.items():
        if key.replace("-", "_") not in fields:
            listed = ", ".join(fields) or "none"
            raise UsageError(
                f"{name} has no option {key!r}{nearest(key, fields)}  (options: {listed})"
            )
        key = key.replace("-", "_")
        values[key] = convert(f"{name}.{key}", fields[key], hints[key], raw)
    return cls(**values)


_MISFIT = object()


def _kinds(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _literal(text: str) -> Any:
    words = {"true": True, "yes": True, "false": False, "no": False, "none": None}
    if text.strip().lower() in words:
        return words[text.strip().lower()]
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _fit(kind: Any, value: Any, raw: Any) -> Any:
    if kind is type(None):
        return None if value is None else _MISFIT
    if kind is float and type(value) in (int, float):
        return float(value) if not math.isnan(value) else _MISFIT
    if kind is str:
        return raw if isinstance(raw, str) else _MISFIT
    if typing.get_origin(kind) is list:
        if not isinstance(value, list | tuple) or not value:
            return _MISFIT
        if any(type(item) not in (int, float) for item in value):
            return _MISFIT
        return [float(item) for item in value]
    return value if type(value) is kind else _MISFIT


def _check_bounds(label: str, field: dataclasses.Field[Any], hint: Any, value: Any) -> None:
    low, high, choices = (field.metadata[key] for key in ("min", "max", "choices"))
    if choices and isinstance(value, str) and value not in choices:
        hinted = nearest(value, choices)
        raise UsageError(f"{label}: expected {' or '.join(choices)}, got {value!r}{hinted}")
    numbers = value if isinstance(value, list) else [value]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        if (low is not None and number < low) or (high is not None and number > high):
            raise UsageError(f"{label}: expected {_expected(field, hint)}, got {number!r}")


def _expected(field: dataclasses.Field[Any], hint: Any) -> str:
    low, high = field.metadata["min"], field.metadata["max"]
    kind = type_name(hint)
    article = "" if kind.startswith(("text", "true", "none")) else "a "
    if low is not None and high is not None:
        return f"{article}{kind} from {low:g} to {high:g}"
    if low is not None:
        return f"{article}{kind} of at least {low:g}"
    if high is not None:
        return f"{article}{kind} of at most {high:g}"
    return f"{article}{kind}"
