"""titlekit: fine-tune text classifiers with named techniques, in any combination."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.check import Report, check
    from .core.classifier import TitleClassifier
    from .core.config import TrainConfig
    from .core.data.tokens import Examples, TextEncoder
    from .core.errors import DataError, RunError, TitlekitError, UsageError
    from .core.hooks.plugin import Plugin
    from .core.hooks.precision import Precision
    from .core.hooks.run import Run
    from .core.hooks.specs import hookimpl
    from .core.hooks.step import Output, Step, borrowed, isolated_grad, row_norm
    from .core.inference.ensemble import Ensemble, load
    from .core.inference.predictor import Predictor
    from .core.options import option
    from .core.session import resume, train
    from .core.training.trainer import Trainer

# Names are resolved when first used (PEP 562): the command line must answer before torch loads.
_HOMES = {
    "DataError": "core.errors",
    "Ensemble": "core.inference.ensemble",
    "Examples": "core.data.tokens",
    "Output": "core.hooks.step",
    "Plugin": "core.hooks.plugin",
    "Precision": "core.hooks.precision",
    "Predictor": "core.inference.predictor",
    "Report": "core.check",
    "Run": "core.hooks.run",
    "RunError": "core.errors",
    "Step": "core.hooks.step",
    "TextEncoder": "core.data.tokens",
    "TitleClassifier": "core.classifier",
    "TitlekitError": "core.errors",
    "TrainConfig": "core.config",
    "Trainer": "core.training.trainer",
    "UsageError": "core.errors",
    "borrowed": "core.hooks.step",
    "check": "core.check",
    "hookimpl": "core.hooks.specs",
    "isolated_grad": "core.hooks.step",
    "load": "core.inference.ensemble",
    "option": "core.options",
    "row_norm": "core.hooks.step",
    "resume": "core.session",
    "train": "core.session",
}

__all__ = [
    "DataError",
    "Ensemble",
    "Examples",
    "Output",
    "Plugin",
    "Precision",
    "Predictor",
    "Report",
    "Run",
    "RunError",
    "Step",
    "TextEncoder",
    "TitleClassifier",
    "TitlekitError",
    "TrainConfig",
    "Trainer",
    "UsageError",
    "borrowed",
    "check",
    "hookimpl",
    "isolated_grad",
    "load",
    "option",
    "resume",
    "row_norm",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("titlekit")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
