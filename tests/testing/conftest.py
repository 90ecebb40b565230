"""What the tests of the kit share."""

from __future__ import annotations

import pytest

from titlekit.core.hooks.registry import builtins
from titlekit.core.testing import check, runs


@pytest.fixture
def neighbours(monkeypatch):
    """Return a function that says beside which plugins to try; without it, beside none.

    tests/plugins/test_pairs.py tries all pairs of built-in plugins.
    """

    def only(*names):
        entries = {name: entry for name, entry in builtins().items() if name in names}
        monkeypatch.setattr(runs, "builtins", lambda: entries)

    only()
    return only


@pytest.fixture
def checks(monkeypatch):
    """Return a function that says which checks are made; the others take most of the time."""

    def only(*names):
        chosen = [one for one in check.CHECKS if one.name in names]
        assert len(chosen) == len(names)
        monkeypatch.setattr(check, "CHECKS", chosen)

    return only


# Most of the time; of built-in plugins tests/plugins proves these in the fast suite.
LONG = (
    "training", "put back", "interrupted", "accumulation", "resume", "used again", "beside others",
)  # fmt: skip


@pytest.fixture
def quick_checks(checks):
    """Leave out the checks that take long."""
    assert set(LONG) < {one.name for one in check.CHECKS}
    checks(*(one.name for one in check.CHECKS if one.name not in LONG))
