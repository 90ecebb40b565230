"""One declaration of an option feeds parsing, errors, listings, JSON and docs."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import sys
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


def hints_of(cls: type) -> dict[str, Any]:
    """Return the type hint of each declared option by name.

    Other annotations of the class are left alone: they may name what only type checkers import.
    """
    hints: dict[str, Any] = {}
    for name, field in options_of(cls).items():
        owner = next(base for base in cls.__mro__ if name in inspect.get_annotations(base))
        holder = types.SimpleNamespace(__annotations__={name: field.type})
        hints |= typing.get_type_hints(holder, vars(sys.modules[owner.__module__]))
    return hints


def type_name(hint: Any) -> str:
    """Return the words for a type hint, e.g. ``whole number`` or ``list of numbers``."""
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
    hints = hints_of(cls)
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


def check_options(made: Any, name: str) -> None:
    """Refuse an instance whose option values, given in Python, are outside what is declared."""
    fields, hints = options_of(type(made)), hints_of(type(made))
    for key, field in fields.items():
        convert(f"{name}.{key}", field, hints[key], getattr(made, key))


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
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return text


def _fit(kind: Any, value: Any, raw: Any) -> Any:
    if kind is type(None):
        return None if value is None else _MISFIT
    if kind is float:
        number = _number(value)
        return _MISFIT if number is None else number
    if kind is str:
        return raw if isinstance(raw, str) else _MISFIT
    if typing.get_origin(kind) is list:
        if not isinstance(value, list | tuple) or not value:
            return _MISFIT
        numbers = [_number(item) for item in value]
        return _MISFIT if None in numbers else numbers
    return value if type(value) is kind else _MISFIT


def _number(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


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
            shown = _expected(field, hint)
            raise UsageError(f"{label}: expected {shown}, got {_plain(number)}")


def _expected(field: dataclasses.Field[Any], hint: Any) -> str:
    low, high, choices = (field.metadata[key] for key in ("min", "max", "choices"))
    kinds = [kind for kind in _kinds(hint) if kind is not type(None)]
    words = " or ".join(type_name(kind) for kind in kinds)
    if not words.startswith(("text", "true")):
        words = f"a {words}"
    if choices:
        words = " or ".join(choices)
    if low is not None and high is not None:
        words += f" from {_plain(low)} to {_plain(high)}"
    elif low is not None:
        words += f" of at least {_plain(low)}"
    elif high is not None:
        words += f" of at most {_plain(high)}"
    # "or none" comes last: bounds are about the number.
    return words if type(None) not in _kinds(hint) else f"{words}, or none"


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"
