"""The files of a new plugin package, by the hook that its plugin implements.

In them $name is the plugin's name, $module and $cls what it is called in Python, $version the
titlekit that it is begun with.
"""

from __future__ import annotations

import importlib

HOOKS = ("criterion", "targets", "augment", "on_log")  # the first one is the default

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "titlekit-$name"
version = "0.1.0"
description = "The plugin $name for titlekit."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["titlekit>=$version"]

[project.optional-dependencies]
test = ["pytest>=8"]

[project.entry-points."titlekit.plugins"]
$name = "$module:$cls"

[tool.setuptools]
py-modules = ["$module"]

[tool.pytest.ini_options]
testpaths = ["tests"]

[tool.ruff]
line-length = 100
"""

_README = """\
# titlekit-$name

The plugin `$name` for titlekit. Installed, it does nothing until a run names it:

```console
$$ pip install titlekit-$name
$$ titlekit plugins $name
$$ titlekit train titles.csv --plugins $name
```

Its tests:

```console
$$ pip install -e ".[test]"
$$ python -m pytest
```
"""

_TEST = '''\
"""Tests of $name."""

from __future__ import annotations

{others}from titlekit.testing import check_plugin

from $module import {own}


def test_it_keeps_the_contract() -> None:
    check_plugin($cls)


{test}'''


def files(hook: str) -> dict[str, str]:
    """Return the texts of a package's files by their names, both still with their $words."""
    body = importlib.import_module(f".{hook}", __package__)
    test = _TEST.format(others=body.OTHERS, own=body.OWN, test=body.TEST)
    return {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        "$module.py": body.MODULE,
        "tests/test_$module.py": test,
    }
