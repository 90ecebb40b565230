"""Which plugins there are: the folder plugins/, entry points, and ./file.py:Class."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

from ..code import is_code, read_code
from ..errors import UsageError, nearest
from ..options import build, hints_of, options_of
from .plugin import Plugin
from .spelling import Call, spell

GROUP = "titlekit.plugins"
RESERVED = ("core", "new")  # titlekit's own part, and the word of ``titlekit plugins new NAME``
_ROOT = __package__.split(".")[0]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One plugin that can be named; its code is loaded by load() and not before."""

    name: str
    source: str  # "built-in" or the distribution with its version, or the file
    load: Callable[[], type[Plugin]]
    sha256: str = ""  # of a ./file.py, so that a recipe means the code it was written with


def builtins() -> dict[str, Entry]:
    """Return the plugins of the package titlekit.plugins: file name = plugin name."""
    package = importlib.import_module(f"{_ROOT}.plugins")
    entries = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_"):
            continue
        name = module.name.replace("_", "-")
        entries[name] = Entry(name, "built-in", _module_loader(f"{_ROOT}.plugins.{module.name}"))
    return entries


def external() -> dict[str, list[Entry]]:
    """Return the plugins that installed packages offer, by name; none of them is loaded.

    TITLEKIT_EXTERNAL limits them: empty for none, or names joined by commas.
    """
    limit = os.environ.get("TITLEKIT_EXTERNAL")
    allowed = None if limit is None else [name.strip() for name in limit.split(",")]
    entries: dict[str, list[Entry]] = {}
    for point in metadata.entry_points(group=GROUP):
        if allowed is not None and point.name not in allowed:
            continue
        dist = point.dist
        source = f"{dist.name} {dist.version}" if dist else "unknown package"
        entries.setdefault(point.name, []).append(Entry(point.name, source, _point_loader(point)))
    return entries


def find(name: str) -> Entry:
    """Return the entry of a plugin name or of ``FILE.py:Class``."""
    if is_code(name):
        return _from_file(name)
    own = builtins()
    if name in own:
        return own[name]
    others = external()
    if name not in others:
        known = [*own, *others]
        raise UsageError(
            f"no plugin named {name!r}{nearest(name.lower(), known)}  (titlekit plugins lists them)"
        )
    if len(others[name]) > 1:
        sources = " and ".join(entry.source for entry in others[name])
        raise UsageError(f"{sources} both offer a plugin named {name!r}; uninstall one")
    return others[name][0]


def create(call: Call) -> Plugin:
    """Return the plugin of one call with its options converted and checked."""
    name, given = call
    entry = find(name)
    cls = load(entry)
    plugin: Plugin = build(cls, name, given)
    plugin.name = name
    return plugin


def load(entry: Entry) -> type[Plugin]:
    """Return the class of an entry, refusing what is not a plugin in one line."""
    try:
        cls = entry.load()
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        if entry.source == "built-in":
            raise
        text = " ".join(str(error).split())
        raise UsageError(
            f"cannot load {entry.name!r} from {entry.source}: {type(error).__name__}: {text}"
        ) from error
    check_class(cls, f"{entry.name!r} from {entry.source}")
    return cls


def check_class(cls: Any, where: str) -> None:
    """Refuse a class that is no plugin, or one for another titlekit; `where` begins the line."""
    if not (inspect.isclass(cls) and issubclass(cls, Plugin)):
        raise UsageError(f"{where} is not a subclass of titlekit.Plugin")
    if cls.requires:
        _check_version(cls.requires, where)
    if not dataclasses.is_dataclass(cls) or "__dataclass_fields__" not in vars(cls):
        raise UsageError(f"{where}: mark the class @dataclass(eq=False)")
    made = vars(cls)["__dataclass_params__"]
    if made.eq or made.frozen or cls.__hash__ is None:
        # pluggy takes equal plugins for one; a frozen one could not be named.
        raise UsageError(f"{where}: write @dataclass(eq=False)")
    _check_fields(cls, where)


def _check_version(requires: str, where: str) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        wanted = SpecifierSet(str(requires))
    except InvalidSpecifier:
        raise UsageError(
            f"{where}: requires = {requires!r} is no version specifier; expected one such as "
            "'>=0.1,<2'"
        ) from None
    here = metadata.version(_ROOT)
    # A development version is one too: the author of a plugin tries it before a release.
    if not wanted.contains(here, prereleases=True):
        raise UsageError(
            f"{where} requires titlekit {requires}, and this is {here}; install another version "
            "of either"
        )


def _check_fields(cls: type[Any], where: str) -> None:
    for field in dataclasses.fields(cls):
        empty = field.default is field.default_factory is dataclasses.MISSING
        if field.init and empty:
            raise UsageError(
                f"{where}: the field {field.name!r} has no default; write "
                f"{field.name}: ... = option(DEFAULT, HELP)"
            )
    try:
        hints_of(cls)
    except (NameError, TypeError) as error:
        raise UsageError(f"{where}: the type of an option cannot be read: {error}") from error


def name_taken(name: str) -> str:
    """Return why a package's plugin cannot have this name, or nothing."""
    if name in RESERVED:
        return "titlekit uses that word itself"
    return "that is a built-in plugin" if name in builtins() else ""


def spell_plugins(plugins: Sequence[Plugin]) -> str:
    """Return the spelling of plugins with every option that differs from its default."""
    calls = []
    for plugin in sorted(plugins, key=lambda plugin: plugin.name):
        fields = options_of(type(plugin))
        changed = {
            name: value for name, value in plugin.options().items() if value != fields[name].default
        }
        calls.append((plugin.name, changed))
    return spell(calls)


def code_hash(name: str) -> str:
    """Return the sha256 of the file behind ``FILE.py:Class``, or nothing for other plugins."""
    return find(name).sha256 if is_code(name) else ""


def _module_loader(module_name: str) -> Callable[[], type[Plugin]]:
    def load() -> type[Plugin]:
        module = importlib.import_module(module_name)
        found = [
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and issubclass(value, Plugin)
            and value.__module__ == module.__name__
        ]
        if len(found) != 1:
            raise TypeError(f"{module_name} must define exactly one plugin, not {len(found)}")
        cls: type[Plugin] = found[0]
        return cls

    return load


def _point_loader(point: metadata.EntryPoint) -> Callable[[], type[Plugin]]:
    def load() -> type[Plugin]:
        taken = name_taken(point.name)
        if taken:
            raise UsageError(f"{point.value} cannot be named {point.name!r}: {taken}")
        cls: type[Plugin] = point.load()
        return cls

    return load


def _from_file(name: str) -> Entry:
    code = read_code(name, "the plugin", "Class")

    def load() -> type[Plugin]:
        cls: type[Plugin] = code.load("class", inspect.isclass)
        return cls

    return Entry(name, code.file, load, code.sha256)
