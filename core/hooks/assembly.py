"""From a list of plugins to callable hooks: order, conflicts, and checks of what plugins say."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pluggy

from ..errors import UsageError, nearest
from ..options import check_options
from .defaults import Defaults
from .plugin import Plugin
from .specs import NOTICES, PIPES, SLOT_ORDER, SLOTS, Specs

HOOKS = (*SLOTS, *PIPES, *NOTICES)

_NO_HOOKS = frozenset(dir(Plugin))


class _Manager(pluggy.PluginManager):
    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        # pluggy looks at every name several times; most are those of the base class.
        return None if name in _NO_HOOKS else super().parse_hookimpl_opts(plugin, name)


class Hooks:
    """The assembled hooks of one run: ``call.NAME(...)`` runs core's default and the plugins."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        _check_slots(plugins)
        self.plugins = tuple(sorted(plugins, key=_rank))
        manager = _Manager("titlekit")
        manager.add_hookspecs(Specs)
        manager.register(Defaults(), name="core")
        # pluggy calls the last registered first: so the lowest rank is outermost, always.
        for plugin in reversed(self.plugins):
            check_options(plugin, plugin.name)
            for fault in hook_faults(plugin):
                raise UsageError(fault)
            manager.register(plugin, name=plugin.name)
        manager.check_pending()
        self.manager = manager
        self.call = types.SimpleNamespace(**{hook: self._checked(hook) for hook in HOOKS})

    def _checked(self, hook: str) -> Callable[..., Any]:
        """Return the hook as a function that refuses a plugin's empty answer."""
        caller = getattr(self.manager.hook, hook)
        if hook in NOTICES:
            return caller  # type: ignore[no-any-return]
        owner = self.owner(SLOTS.get(hook, ""))
        names = [name for name in self.order(hook) if name != "core"]
        if hook in SLOTS and owner != "core":
            # Without core: else its default would answer for a plugin that does not.
            caller = self.manager.subset_hook_caller(hook, [self.manager.get_plugin("core")])
            names = [owner]

        def call(**arguments: Any) -> Any:
            answer = caller(**arguments)
            if answer is None:
                raise UsageError(
                    f"{' or '.join(names)}: {hook} returned nothing; end it with return"
                )
            return answer

        return call

    def owner(self, slot: str) -> str:
        """Return the name of the plugin that fills a slot, or "core"."""
        return next((plugin.name for plugin in self.plugins if plugin.slot == slot), "core")

    def order(self, hook: str) -> list[str]:
        """Return the names behind a hook, outermost first, core last."""
        caller = getattr(self.manager.hook, hook)
        names = [impl.plugin_name for impl in reversed(caller.get_hookimpls())]
        return names[:1] if hook in SLOTS else names  # a slot has one answer

    def wrapped(self, hook: str) -> bool:
        """Return whether any plugin implements the hook."""
        return any(name != "core" for name in self.order(hook))

    def passes(self) -> float:
        """Return forward passes per micro-batch: the plugins' factors multiply."""
        total = 1.0
        for plugin in self.plugins:
            total *= plugin.passes()
        return total


def implementations(plugin: Plugin | type[Plugin]) -> dict[str, dict[str, Any]]:
    """Return the methods marked @hookimpl by hook, with pluggy's options and their own name."""
    cls = plugin if inspect.isclass(plugin) else type(plugin)
    found = {}
    for name, value in inspect.getmembers_static(cls):
        marks = getattr(value, "titlekit_impl", None)
        if isinstance(marks, dict):
            found[marks.get("specname") or name] = {**marks, "method": name}
    return found


def _rank(plugin: Plugin) -> tuple[int, str]:
    slot = SLOT_ORDER.index(plugin.slot) if plugin.slot in SLOT_ORDER else len(SLOT_ORDER)
    return slot, plugin.name


def _check_slots(plugins: Sequence[Plugin]) -> None:
    names = [plugin.name for plugin in plugins]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the plugin {name} is given twice; give it once")
        if name == "core":
            raise UsageError("no plugin can be named 'core': that is titlekit's own part")
    for slot in SLOT_ORDER:
        rivals = [plugin.name for plugin in plugins if plugin.slot == slot]
        if len(rivals) > 1:
            others = [name for name in names if name not in rivals]
            fine = f" ({', '.join(others)} {'is' if len(others) == 1 else 'are'} fine)"
            both = "both" if len(rivals) == 2 else "all"
            raise UsageError(
                f"{' and '.join(rivals)} {both} fill the slot {slot}; keep one"
                + (fine if others else "")
            )
    for plugin in plugins:
        if plugin.slot is not None and plugin.slot not in SLOT_ORDER:
            hint = nearest(plugin.slot, SLOT_ORDER)
            raise UsageError(
                f"{plugin.name}: no slot named {plugin.slot!r}{hint}  "
                f"(slots: {', '.join(SLOT_ORDER)})"
            )


def hook_faults(plugin: Plugin) -> Iterator[str]:
    """Give a line for each hook of a plugin that is unknown, or of another slot or shape."""
    for hook, marks in implementations(plugin).items():
        label = f"{plugin.name}.{hook}"
        if hook not in HOOKS:
            yield (
                f"{plugin.name} implements the unknown hook {hook!r}{nearest(hook, HOOKS)}  "
                f"(hooks: {', '.join(HOOKS)})"
            )
            continue
        if marks.get("tryfirst") or marks.get("trylast"):
            yield (
                f"{label}: tryfirst and trylast are core's; plugins are ordered by slot and name"
            )
        wanted = SLOTS.get(hook) or PIPES.get(hook)
        if wanted and plugin.slot != wanted:
            yield (
                f"{plugin.name} implements {hook} but its slot is {plugin.slot!r}; "
                f"write slot = {wanted!r}"
            )
        method = getattr(plugin, marks["method"])
        yield from _shape_faults(label, hook, marks, inspect.isgeneratorfunction(method))
        yield from _argument_faults(label, hook, inspect.signature(method))


def _shape_faults(label: str, hook: str, marks: dict[str, Any], yields: bool) -> Iterator[str]:
    old = bool(marks.get("hookwrapper"))  # pluggy's older kind, which gets no plain result
    if hook in PIPES and (old or not (marks.get("wrapper") and yields)):
        yield f"{label}: {hook} is a pipe; write @hookimpl(wrapper=True) and yield"
    if hook not in PIPES and (old or marks.get("wrapper") or yields):
        # A slot has one answer and a notice none: there is nothing to wrap.
        shape = "slot" if hook in SLOTS else "notice"
        yield f"{label}: {hook} is a {shape}; write @hookimpl alone and do not yield"


def _argument_faults(label: str, hook: str, signature: inspect.Signature) -> Iterator[str]:
    known = list(inspect.signature(getattr(Specs, hook)).parameters)[1:]
    for name, parameter in signature.parameters.items():
        if parameter.default is not parameter.empty:
            # pluggy would never pass such an argument: the default would silently win.
            yield f"{label}: the argument {name!r} has a default; remove it"
        elif name not in known:
            yield (
                f"{label}: the hook has no argument {name!r}{nearest(name, known)}  "
                f"(arguments: {', '.join(known)})"
            )


def verify_groups(groups: list[dict[str, Any]], model: Any, owner: str) -> None:
    """Refuse groups that leave out a trainable parameter or hold one twice."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    seen: set[int] = set()
    for group in groups:
        for parameter in group["params"]:
            if id(parameter) in seen:
                raise UsageError(
                    f"{owner}: the parameter {names.get(id(parameter), '?')} stands in two groups"
                )
            seen.add(id(parameter))
    missing = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and id(parameter) not in seen
    ]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UsageError(f"{owner} leaves out {missing[0]}{more}: every parameter needs a group")
    if not seen:
        raise UsageError(f"{owner}: no parameter is left to train")
