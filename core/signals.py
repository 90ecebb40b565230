"""Ctrl-C and SIGTERM let a run end its step and save its state, where the command line asks."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .errors import InterruptedRun

if TYPE_CHECKING:
    from .training.trainer import Trainer

log = logging.getLogger("titlekit")

_asked = contextvars.ContextVar("titlekit_handles_signals", default=False)


@contextlib.contextmanager
def handled() -> Iterator[None]:
    """Let the runs inside handle signals; without it a run leaves its caller's handlers alone."""
    token = _asked.set(True)
    try:
        yield
    finally:
        _asked.reset(token)


class _Ended(BaseException):
    """SIGTERM between two runs."""


@contextlib.contextmanager
def between(message: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the work between runs; `message` says how to go on."""
    if not _handles():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise _Ended

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRun(message, signal.SIGINT) from None
    except _Ended:
        raise InterruptedRun(message, signal.SIGTERM) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def stopping(trainer: Trainer) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the current step first; a second Ctrl-C ends at once."""
    if not _handles():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        trainer.stop_signal = number
        log.warning("stopping after this step (once more Ctrl-C: at once, unsaved)")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handles() -> bool:
    return _asked.get() and threading.current_thread() is threading.main_thread()
