"""``titlekit plugins new NAME``: a package with a plugin that works, to be changed."""

from __future__ import annotations

import ast
import keyword
import os
import re
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from string import Template

from ..core.errors import UsageError, nearest
from ..core.hooks.plugin import kebab
from ..core.hooks.registry import external, name_taken
from .skeletons import HOOKS, files

_LONGEST = 30  # characters of a name, so that lines of the skeleton stay short


def new_plugin(names: Sequence[str], hook: str | None, parent: Path) -> Path:
    """Write titlekit-NAME with a plugin of that name into a folder; return it.

    Raises UsageError, with nothing written, where name or hook cannot be had.
    """
    if len(names) != 1:
        raise UsageError("titlekit plugins new: expected one name, e.g. my-loss")
    (name,), hook = names, hook or HOOKS[0]
    if hook not in HOOKS:
        raise UsageError(
            f"--hook {hook}: no skeleton for that{nearest(hook, HOOKS)}  (there are: "
            f"{', '.join(HOOKS)})"
        )
    _check_name(name)
    found = files(hook)
    words = {
        "name": name, "cls": _class_name(name), "module": f"titlekit_{name.replace('-', '_')}",
        "version": ".".join(metadata.version("titlekit").split(".")[:2]),
    }  # fmt: skip
    if keyword.iskeyword(words["cls"]) or words["cls"] in _names(found["$module.py"]):
        raise UsageError(
            f"{name!r} cannot be a plugin's name: a class {words['cls']} would hide another of its "
            f"module; take e.g. my-{name}"
        )
    folder = parent / f"titlekit-{name}"
    if os.path.lexists(folder):
        raise UsageError(f"{folder.name} is there already; move it away, or take another name")
    _write(folder, {Template(k).substitute(words): Template(found[k]).substitute(words)
                    for k in found})  # fmt: skip
    return folder


def _names(text: str) -> set[str]:
    """Return the names that a skeleton's module uses, but for its class."""
    tree = list(ast.walk(ast.parse(text.replace("$cls", "_"))))
    used = {node.id for node in tree if isinstance(node, ast.Name)}
    return used | {node.name for node in tree if isinstance(node, ast.alias)}


def _check_name(name: str) -> None:
    """Refuse a name that is not in kebab-case, or that is taken."""
    wanted = _nearest(name)
    if not name or name != wanted or len(name) > _LONGEST:
        hint = f"; did you mean {wanted!r}?" if wanted and len(wanted) <= _LONGEST else ""
        raise UsageError(
            f"{name!r} cannot be a plugin's name: expected words in lower case with hyphens "
            f"between, at most {_LONGEST} characters{hint}"
        )
    taken = name_taken(name)
    if not taken and name in external():
        taken = f"{external()[name][0].source} offers one of that name"
    if taken:
        raise UsageError(f"{name!r} cannot be a plugin's name: {taken}; take another")


def _nearest(name: str) -> str:
    """Return the nearest name that a plugin can have, itself if it is one; maybe empty."""
    words = re.sub(r"[^a-z0-9]+", "-", kebab(name)).strip("-0123456789")
    # The class names itself after what it is called, so that must lead back to the name.
    return kebab(_class_name(words))


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _write(folder: Path, texts: dict[str, str]) -> None:
    """Write files into a new folder, which appears when all of them are whole."""
    with tempfile.TemporaryDirectory(prefix=".titlekit-", dir=folder.parent) as temporary:
        new = Path(temporary, folder.name)
        for name, text in texts.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        new.rename(folder)
