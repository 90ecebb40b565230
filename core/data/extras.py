"""Libraries that only some files need: imported when such a file is opened."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import UsageError


def need(module: str, extra: str, name: str) -> Any:
    """Return an imported module; UsageError for file `name` says which extra brings it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise UsageError(
            f'{name}: this kind of file needs {library}: pip install "titlekit[{extra}]"'
        ) from None
