"""Packages of plugins: the example of docs/, and what ``titlekit plugins new`` writes."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from titlekit.cli import skeletons
from titlekit.cli.new_plugin import new_plugin
from titlekit.core.hooks.registry import GROUP, check_class, name_taken

EXAMPLE = Path(__file__).parents[2] / "docs" / "example-plugin"


@pytest.fixture
def package(monkeypatch, tmp_path):
    """Return a function that runs a package's own tests in this process, from its source."""

    def tried(folder):
        monkeypatch.syspath_prepend(str(folder))
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        for name, target in project["entry-points"][GROUP].items():
            cls = EntryPoint(name, target, GROUP).load()
            check_class(cls, name)
            # Named apart from the registry, as in its own tests, it is called the same.
            assert (cls.name, name_taken(name)) == (name, "")
        (file,) = (folder / "tests").glob("test_*.py")
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        tests = {name: one for name, one in vars(module).items() if name.startswith("test_")}
        for test in tests.values():
            test(**dict.fromkeys(inspect.signature(test).parameters, tmp_path))
        return list(tests)

    before = set(sys.modules)
    yield tried
    for name in set(sys.modules) - before:
        if name.startswith("titlekit_"):
            del sys.modules[name]


def test_the_example_passes_its_own_tests(package, neighbours):
    neighbours("fgm", "ema")
    assert len(package(EXAMPLE)) == 5


@pytest.mark.parametrize("hook", skeletons.HOOKS)
def test_a_skeleton_passes_its_own_tests(package, quick_checks, tmp_path, hook):
    names = package(new_plugin(["my-x"], hook, tmp_path))
    assert names[0] == "test_it_keeps_the_contract"
    assert len(names) > 1


@pytest.mark.slow
@pytest.mark.parametrize("hook", skeletons.HOOKS)
def test_a_skeleton_keeps_the_whole_contract_beside_every_other(package, tmp_path, hook):
    package(new_plugin(["my-x"], hook, tmp_path))
