"""What all tests share: no network but loopback, no stray settings, no model cache."""

from __future__ import annotations

import gc
import os
import socket
import sys

import pytest

# Before torch is imported: small models are fastest, and runs repeat exactly, on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"


def pytest_collection_finish():
    """Spare the tests what costs them a quarter of their time and shows nothing."""
    torch = sys.modules.get("torch")
    if torch:
        import transformers.models.bert.modeling_bert  # noqa: F401

        for kind in (torch.cuda, torch.xpu, torch.mtia):
            if not kind.is_available():
                # Else each torch.manual_seed formats the whole stack, once a kind, for later.
                kind.manual_seed_all = lambda seed: None
    gc.freeze()  # what is imported by now stays, and need not be looked through
    gc.set_threshold(20_000, 20, 20)


_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Fail any connection that would leave this machine."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            assert str(address[0]).startswith(_LOOPBACK), f"a test connects to {address}"
        return connect(self, address)

    def lookup(host, *rest, **more):
        if not str(host).startswith(_LOOPBACK):
            raise socket.gaierror(f"a test asks for {host}")
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path_factory):
    """Hide the person's own cache, mirror and plugins; titlekit's log reaches pytest."""
    import logging

    for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "TITLEKIT_EXTERNAL"):
        monkeypatch.delenv(name, raising=False)
    log = logging.getLogger("titlekit")
    handlers, level, propagate = log.handlers, log.level, log.propagate
    log.handlers, log.propagate = [], True
    log.setLevel(logging.DEBUG)
    yield
    log.handlers, log.propagate = handlers, propagate
    log.setLevel(level)


@pytest.fixture
def console(capsys):
    """Return a function that runs a command and gives its exit code, stdout and stderr."""
    from console import Console

    return Console(capsys)
