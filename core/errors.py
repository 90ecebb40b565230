"""What can go wrong, by whose fault, and the exit code that says so."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TitlekitError(Exception):
    """A fault that a person can mend: one line, no traceback.

    The command line prints ``Error: <text>`` on stderr and ends with `exit_code`.
    Anything that is not a TitlekitError is a fault of ours and keeps its traceback.
    """

    exit_code = 1


class UsageError(TitlekitError):
    """A wrong option, name or combination (exit 2)."""

    exit_code = 2


class DataError(TitlekitError):
    """Input that cannot be used as it is; the text names file and line (exit 2)."""

    exit_code = 2


class RunError(TitlekitError):
    """A run that had to stop, e.g. a loss that is not finite or memory that ran out (exit 1)."""


class InterruptedRun(TitlekitError):
    """A run stopped by Ctrl-C (exit 130) or SIGTERM (exit 143) after its state was saved."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of `known`, or nothing."""
    match = difflib.get_close_matches(word, list(known), 1, cutoff=0.6)
    return f"; did you mean {match[0]!r}?" if match else ""
