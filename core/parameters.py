"""An estimator's parameters: scikit-learn's words for a run's options, and plugins' options."""

from __future__ import annotations

import contextlib
import copy
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .config import TrainConfig, flag, merge
from .errors import DataError, UsageError, nearest
from .hooks.plugin import Plugin
from .hooks.registry import builtins, external, find, load
from .hooks.spelling import parse, spell
from .options import convert, hints_of, options_of
from .prepare import make_plugins

log = logging.getLogger("titlekit")

# Parameter -> option of TrainConfig, where scikit-learn has a word of its own.
OPTIONS = {
    "learning_rate": "lr",
    "pos_label": "positive",
    "random_state": "seed",
    "scoring": "metric",
    "tol": "min_delta",
    "validation_fraction": "valid",
}
# Parameters that are no options of a run.
OWN = ("class_weight", "overwrite", "plugin_options", "plugins", "verbose")
_FLAGS = {flag(option): name for name, option in OPTIONS.items()}


class ParameterError(UsageError, ValueError):
    """A wrong parameter; a ValueError too, as scikit-learn's users expect."""


class InputError(DataError, ValueError):
    """Rows that cannot be used as they are; a ValueError too."""


@contextlib.contextmanager
def in_these_words() -> Iterator[None]:
    """Raise what a run raises as ValueErrors, parameters in place of the command line's flags."""
    known = {flag(option): option for option in options_of(TrainConfig)} | _FLAGS
    try:
        yield
    except (UsageError, DataError) as error:
        text = re.sub(r"--[a-z][a-z-]*", lambda found: known.get(found[0], found[0]), str(error))
        kind = ParameterError if isinstance(error, UsageError) else InputError
        raise kind(text).with_traceback(error.__traceback__) from None


def run_options(given: Mapping[str, Any]) -> tuple[TrainConfig, dict[str, str]]:
    """Return the options of a run and where each came from; None means the default."""
    share, verbose = plain(given["validation_fraction"]), plain(given["verbose"])
    if type(share) not in (int, float) or not 0 <= share < 1:
        raise UsageError(f"--valid: expected a share of at least 0 and below 1, got {share!r}")
    if not isinstance(verbose, int) or verbose < 0:
        raise UsageError(f"verbose: expected 0, 1 or 2, got {verbose!r}")
    if not isinstance(given["overwrite"], bool):
        raise UsageError(f"overwrite: expected True or False, got {given['overwrite']!r}")
    defaults, values = TrainConfig(), {}
    for name, raw in given.items():
        option = OPTIONS.get(name, name)
        if name in OWN:
            continue
        value = plain(raw)
        if value != getattr(defaults, option) and str(value) != getattr(defaults, option):
            values[option] = value
    return merge([("Python", values)])


def plain(value: Any) -> Any:
    """Return numpy's numbers and arrays, as a search draws them, as Python's own."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


# Options of plugins: focal__gamma is the option gamma of focal


def check_names(options: Iterable[str], plugins: Any) -> None:
    """Refuse a name that is no option of a plugin: one of `plugins`, or any that can be named."""
    for key in options:
        prefix, divider, option = key.partition("__")
        if not divider:
            raise UsageError(f"no parameter {key!r}")
        fields = _fields(prefix, plugins)
        if fields is not None and option not in fields:
            raise UsageError(
                f"{key}: {prefix} has no option {option!r}{nearest(option, fields)}  "
                f"(options: {', '.join(fields) or 'none'})"
            )


def _fields(prefix: str, plugins: Any) -> Iterable[str] | None:
    """Return the options of the plugin with this prefix; None where its file is read later."""
    if isinstance(plugins, str):
        if f":{prefix}" in plugins:
            return None
    elif isinstance(plugins, Sequence):
        for plugin in plugins:
            if isinstance(plugin, Plugin) and _prefix(plugin.name) == prefix:
                return options_of(type(plugin))
            if isinstance(plugin, str) and f":{prefix}" in plugin:
                return None
    names = {_prefix(name): name for name in [*external(), *builtins()]}
    if prefix not in names:
        raise UsageError(
            f"no plugin named {prefix!r}{nearest(prefix, names)}  (titlekit plugins lists them)"
        )
    return options_of(load(find(names[prefix])))


def _prefix(name: str) -> str:
    """Return how a plugin's options begin: weighted-ce -> weighted_ce, FILE.py:Mine -> Mine."""
    return name.rpartition(":")[2].replace("-", "_")


def new_plugins(given: Any, options: Mapping[str, Any] | None) -> list[Plugin]:
    """Return plugins for one fit: made from names, or copies of the objects that are given.

    An option replaces what a call form or an object says. Options of a plugin that is not among
    them have no effect, so that a search can leave plugins out; a warning says so.
    """
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise UsageError(
            f"plugin_options: expected a dictionary such as {{'focal__gamma': 2}}, got {options!r}"
        )
    check_names(options, given)
    values = {key: plain(value) for key, value in options.items()}
    listed: Any = [given] if isinstance(given, str) else given
    if isinstance(listed, Sequence | np.ndarray) and all(isinstance(one, str) for one in listed):
        calls = parse(",".join(listed))
        spelled = [(name, {**inside, **_of(name, values)}) for name, inside in calls]
        made = make_plugins(TrainConfig(plugins=spell(spelled)))
    elif isinstance(listed, Sequence) and all(isinstance(one, Plugin) for one in listed):
        # Copies: a plugin keeps counters and averages, and each fit starts anew.
        made = [_changed(copy.deepcopy(one), _of(one.name, values)) for one in listed]
    else:
        raise UsageError(
            f"--plugins: expected names or Plugin objects, and not both in one list; got {given!r}"
        )
    names = [plugin.name for plugin in made]
    for key in values:
        if key.partition("__")[0] not in map(_prefix, names):
            log.warning(
                "%s has no effect: that plugin is not among plugins (%s)",
                key, ", ".join(names) or "none",
            )  # fmt: skip
    return made


def _of(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of one plugin."""
    start = f"{_prefix(name)}__"
    return {key[len(start) :]: value for key, value in values.items() if key.startswith(start)}


def _changed(plugin: Plugin, values: Mapping[str, Any]) -> Plugin:
    fields, hints = options_of(type(plugin)), hints_of(type(plugin))
    for key, value in values.items():
        setattr(plugin, key, convert(f"{plugin.name}.{key}", fields[key], hints[key], value))
    return plugin
