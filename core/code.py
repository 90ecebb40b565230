"""Code of a person's own, named as FILE.py:NAME: read, hashed, and run as the bytes hashed."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import UsageError, nearest


@dataclasses.dataclass(frozen=True)
class Code:
    """A file of Python and a name in it; nothing of it has run."""

    name: str  # FILE.py:NAME, as it was given
    file: str
    member: str
    text: bytes
    sha256: str

    def load(self, kind: str, fits: Callable[[Any], bool]) -> Any:
        """Run the file and return what the name stands for; `kind` says what `fits` looks for.

        Raises UsageError where the name is not there, and whatever the file raises.
        """
        members = vars(_run(self.file, self.text, self.sha256))
        if self.member not in members:
            known = [name for name, value in members.items() if fits(value)]
            raise UsageError(
                f"{self.file} has no {kind} {self.member!r}{nearest(self.member, known)}"
            )
        return members[self.member]


def is_code(name: str) -> bool:
    """Return whether a name is one of FILE.py:NAME."""
    return ".py:" in name


def read_code(name: str, what: str, member: str) -> Code:
    """Return the file behind FILE.py:NAME; `what` and `member` begin and end the error."""
    file, _, wanted = name.rpartition(":")
    if not Path(file).is_file():
        raise UsageError(f"no file {file!r} for {what} {name!r}; expected FILE.py:{member}")
    text = Path(file).read_bytes()
    return Code(name, file, wanted, text, hashlib.sha256(text).hexdigest())


def absolute(name: str) -> str:
    """Return FILE.py:NAME with the file's whole path, so that a recipe finds it from anywhere."""
    file, colon, member = name.rpartition(":")
    return f"{Path(file).resolve()}:{member}" if colon and Path(file).is_file() else name


def check_recorded(
    names: Iterable[str], option: str, recorded: Mapping[str, str] | None, allowed: bool
) -> None:
    """Refuse code that a file names, and not the person at the keyboard, unless it is allowed.

    `recorded` holds the sha256 of each FILE.py:NAME as the recipe, run or state has it; None:
    the person named them. `option` is the flag that names such code.
    """
    if recorded is None:
        return
    for name in filter(is_code, names):
        if not allowed:
            raise UsageError(
                f"the recipe names code of its own, {name}; read that file, then add --allow-code"
            )
        found = read_code(name, "the recipe's", "NAME").sha256
        if found != recorded.get(name):
            then = str(recorded[name])[:12] if name in recorded else "none"
            raise UsageError(
                f"{name} is not the code that was recorded (sha256 {found[:12]}, recorded "
                f"{then}); read the file, then name it with {option}"
            )


def _run(file: str, text: bytes, sha256: str) -> types.ModuleType:
    module = types.ModuleType(f"titlekit_file_{Path(file).stem}_{sha256[:12]}")
    module.__file__ = file
    # dataclass looks up the module of a class by its name.
    sys.modules[module.__name__] = module
    # The very bytes that were hashed, never a cached compilation of others.
    exec(compile(text, file, "exec", dont_inherit=True), vars(module))
    return module
