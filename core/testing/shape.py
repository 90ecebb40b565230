"""What can be seen of a plugin before it runs: words, options, hooks, what it declares."""

from __future__ import annotations

import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Iterator
from typing import Any

from ..errors import TitlekitError, UsageError
from ..hooks.assembly import HOOKS, Hooks, hook_faults, implementations
from ..hooks.plugin import Plugin
from ..hooks.registry import spell_plugins
from ..hooks.specs import PIPES, SLOTS
from ..hooks.spelling import parse
from ..options import build, convert, hints_of, options_of
from .bench import Bench

_LINE = 70  # characters that a listing has room for


def words(bench: Bench) -> Iterator[str]:
    """The words of a listing: the docstring's first line, and `when`."""
    cls = bench.cls
    # A missing one is filled in by dataclass, with the signature.
    if (cls.__doc__ or "").startswith(f"{cls.__name__}("):
        yield "docstring: there is none; its first line is what titlekit plugins NAME shows"
    elif not 1 <= len(cls.summary()) <= _LINE:
        yield (
            f"docstring: the first line has {len(cls.summary())} characters; expected a summary of "
            f"at most {_LINE}"
        )
    if not isinstance(cls.when, str) or "\n" in cls.when or not 1 <= len(cls.when) <= _LINE:
        yield f"when: expected one line of at most {_LINE} characters, which says when to use it"


def options(bench: Bench) -> Iterator[str]:
    """Each field is an option with help, whose default is within its bounds."""
    cls = bench.cls
    declared, hints = options_of(cls), hints_of(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name not in declared and field.init:
            yield (
                f"{field.name}: a field that is no option; write {field.name} = ... without a "
                "type, option(DEFAULT, HELP), or field(init=False)"
            )
    for name, field in declared.items():
        if not field.metadata["help"]:
            yield f"{name}: the option's help is empty; say what it does"
        try:
            convert(name, field, hints[name], _default(field))
        except UsageError as error:
            yield f"{error}; that is the option's own default"


def spelling(bench: Bench) -> Iterator[str]:
    """Options that are spelled and read back are the same, at the defaults and elsewhere."""
    cls, hints = bench.cls, hints_of(bench.cls)
    faults = [_spelled(cls, {})]
    for name, field in () if any(faults) else options_of(cls).items():
        tried = (_spelled(cls, {name: value}) for value in _values(field, hints[name]))
        faults.append(next(filter(None, tried), ""))
    yield from filter(None, faults)


def _spelled(cls: type[Plugin], given: dict[str, Any]) -> str:
    """Return what is wrong with options that are spelled and read back, or nothing."""
    shown = ", ".join(f"{name}={value!r}" for name, value in given.items()) or "the defaults"
    try:
        plugin: Plugin = build(cls, cls.name, given)
    except UsageError:
        return ""  # refused in words, as a value may be
    except Exception as error:
        return f"{shown}: {told(error)}; raise UsageError, or declare other bounds"
    text = spell_plugins([plugin])
    try:
        ((name, found),) = parse(text)
        again = build(cls, name, found).options()
    except UsageError as error:
        return f"{shown}: spelled {text}, which cannot be read: {error}"
    changed = [key for key, value in plugin.options().items() if again[key] != value]
    if changed:
        key = changed[0]
        return (
            f"{key}: spelled {text}, which is read back as {key}={again[key]!r}; leave an option "
            "as it was given, and keep what is made of it elsewhere"
        )
    return ""


def _values(field: dataclasses.Field[Any], hint: Any) -> list[Any]:
    """Return values of an option to try besides its default: ends of its range, one between."""
    low, high, choices = (field.metadata[key] for key in ("min", "max", "choices"))
    kinds = typing.get_args(hint) if _is_union(hint) else (hint,)
    ends = [low, high] if low is not None and high is not None else [low, high, 3]
    numbers = [end for end in ends if end is not None]
    if low is not None:
        numbers = [max(low, number) for number in numbers]
    if high is not None:
        numbers = [min(high, number) for number in numbers]
    found: list[Any] = []
    for kind in kinds:
        if kind is bool:
            found += [True, False]
        elif kind is str:
            found += list(choices) if choices else ["some 'text', (of) two"]
        elif kind is int:
            found += [number for number in numbers if number == int(number)]
        elif kind is float:
            found += [*numbers, (numbers[0] + numbers[-1]) / 2]
        elif typing.get_origin(kind) is list:
            found.append([float(number) for number in numbers])
        elif kind is type(None):
            found.append(None)
    return found


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def hooks(bench: Bench) -> Iterator[str]:
    """Hooks are known, of their shape, and of the slot that the class says it fills."""
    plugin, cls = bench.make(), bench.cls
    faults = list(hook_faults(plugin))
    if not faults:
        try:
            Hooks([plugin])
        except UsageError as error:
            faults.append(str(error))
    yield from faults
    found = implementations(cls)
    for hook in HOOKS:
        if hook not in found and inspect.isfunction(inspect.getattr_static(cls, hook, None)):
            yield f"{hook}: a method of a hook's name that is not marked; write @hookimpl above it"
    if not found:
        yield "no hook is implemented, so nothing would ever happen; mark a method @hookimpl"
    filled = [hook for hook, slot in {**SLOTS, **PIPES}.items() if slot == cls.slot and slot]
    filled = filled or (["evaluate"] if cls.slot == "average" else [])
    if found and filled and not set(filled) & set(found):
        yield (
            f"slot: it is {cls.slot!r}, and {filled[0]} is not implemented; implement it, or take "
            "the slot away"
        )


def declarations(bench: Bench) -> Iterator[str]:
    """What the class and its methods declare is of the right kind."""
    plugin, cls = bench.make(), bench.cls
    if cls.layout not in ("any", "padded"):
        yield f"layout: expected 'any' or 'padded', got {cls.layout!r}"
    if not isinstance(cls.capture_safe, bool):
        yield f"capture_safe: expected True or False, got {cls.capture_safe!r}"
    passes = plugin.passes()
    if isinstance(passes, bool) or not isinstance(passes, int | float) or not 0 < passes < math.inf:
        yield f"passes(): expected a number above 0, got {passes!r}"
    if not isinstance(plugin.accumulates(), bool):
        yield f"accumulates(): expected True or False, got {plugin.accumulates()!r}"
    phases = [plugin.phase(number) for number in range(8)]
    if not all(type(phase) is int for phase in phases):
        yield f"phase(): expected a whole number for each step, got {phases[0]!r}"
    elif phases != [plugin.phase(number) for number in range(8)]:
        yield "phase(): answers differently when asked again; it depends on the number alone"


def told(error: BaseException) -> str:
    """Return an exception in one line."""
    text = " ".join(str(error).split())
    return (
        text if isinstance(error, TitlekitError) else f"{type(error).__name__}: {text}".rstrip(": ")
    )
