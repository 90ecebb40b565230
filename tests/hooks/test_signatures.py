"""What plugins rely on is added to and never taken away: signatures.json holds all there has been.

A new hook, argument or name is added to the file in the change that brings it; what stands there
stays there. A plugin takes the arguments that it wants by name, so a new one breaks none.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path

import pytest

import titlekit
from titlekit import Output, Plugin, Precision, Run, Step
from titlekit.core.hooks.assembly import HOOKS
from titlekit.core.hooks.specs import Specs

FILE = Path(__file__).with_name("signatures.json")
RECORDED = json.loads(FILE.read_text("utf-8"))
HELPERS = ("borrowed", "hookimpl", "isolated_grad", "option", "row_norm")


def arguments(value):
    """The names of a function's arguments in order; None: it is no function."""
    if not inspect.isfunction(value) and not inspect.ismethod(value):
        return None
    return [name for name in inspect.signature(value).parameters if name != "self"]


def promised(cls):
    """The public names of a class with the arguments of its methods."""
    names = {name: arguments(getattr(cls, name)) for name in dir(cls) if name[0] != "_"}
    if dataclasses.is_dataclass(cls):
        names |= {field.name: None for field in dataclasses.fields(cls)}
    return names


HERE = {
    "hooks": {hook: arguments(getattr(Specs, hook)) for hook in HOOKS},
    **{cls.__name__: promised(cls) for cls in (Plugin, Step, Output, Run, Precision)},
    "titlekit": {name: arguments(getattr(titlekit, name)) for name in HELPERS},
}


@pytest.mark.parametrize("part", RECORDED)
def test_what_was_there_is_still_there(part):
    gone = [name for name in RECORDED[part] if name not in HERE[part]]
    assert gone == [], f"{part}: plugins may use these; keep them"
    for name, were in RECORDED[part].items():
        now = HERE[part][name]
        assert (were is None) == (now is None), f"{part}.{name} is no longer what it was"
        # Hooks are called with names, all else by plugins, with places too.
        kept = [one for one in now or [] if part != "hooks" or one in (were or [])]
        assert kept[: len(were or [])] == (were or []), f"{part}.{name}: arguments were {were}"


@pytest.mark.parametrize("part", HERE)
def test_what_is_new_is_recorded(part):
    new = {
        name: now
        for name, now in HERE[part].items()
        if name not in RECORDED.get(part, {}) or now != RECORDED[part][name]
    }
    assert new == {}, f"add this to {part!r} of {FILE.name}"
