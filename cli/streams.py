"""Rows to a file or to stdout, and no half file after SIGTERM."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import Iterator
from typing import TextIO

from .main import printable


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, so that no half file stays."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Screen(io.TextIOBase):
    """A terminal: control characters are shown, not obeyed."""

    def write(self, text: str) -> int:
        return sys.stdout.write(printable(text))


@contextlib.contextmanager
def output(out: str) -> Iterator[str | TextIO]:
    """Give the name of a file as it is; for "-" stdout, in UTF-8 unless it is a terminal."""
    if out != "-":
        yield out
        return
    if sys.stdout.isatty():
        yield _Screen()  # type: ignore[misc]
        return
    sys.stdout.flush()
    stream = io.TextIOWrapper(
        sys.stdout.buffer, "utf-8", errors="backslashreplace", newline="", write_through=True
    )
    try:
        yield stream
        stream.flush()
    finally:
        stream.detach()  # stdout stays open
