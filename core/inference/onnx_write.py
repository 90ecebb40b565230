"""From a torch model to model.onnx: any number of rows, of any length."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..data.encoding import clip
from ..data.tokens import TextEncoder
from ..errors import UsageError

# Above this the weights lie in a file of their own: a protobuf message ends at 2 GiB.
INSIDE = 1_900_000_000

_TEXTS = ("A study of the titles of papers", "Titles", "On the order of words in a title")
_COLOURS = re.compile(r"\x1b?\[\d+m")


def write_graph(model: Any, encoder: TextEncoder, path: Path, name: str) -> None:
    """Write a classifier's graph, which takes padded rows [N, L] and gives logits [N, C].

    Through torch.export, as torch.onnx does by default since 2.9; the weights are float32. Raises
    UsageError, which begins with `name`, for a model that torch cannot export.
    """
    import torch

    inputs = encoder(_TEXTS).padded(range(len(_TEXTS)))
    keys, rows = list(inputs), torch.export.Dim("batch")
    shapes = tuple({0: rows, 1: torch.export.Dim("length")} for _ in keys)

    class Logits(torch.nn.Module):
        """The model with its inputs by place and its logits alone."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: torch.Tensor) -> Any:
            return self.model(**dict(zip(keys, given, strict=True))).logits

    size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    try:
        with _silence():
            program = torch.onnx.export(
                Logits().eval(), tuple(torch.from_numpy(inputs[key]) for key in keys),
                dynamo=True, input_names=keys, output_names=["logits"], dynamic_shapes=(shapes,),
                verbose=False,
            )  # fmt: skip
            program.save(str(path), external_data=size > INSIDE)  # type: ignore[union-attr]
    except Exception as error:  # torch's exporter raises whatever a model's code does
        raise UsageError(
            f"{name}: torch {torch.__version__} cannot write {type(model).__name__} as onnx "
            f"({_cause(error)}); --format transformers can"
        ) from None


def save_graph(graph: Any, path: Path) -> None:
    """Write a graph that was changed in memory, in place of the one that is there."""
    import onnx

    size = graph.ByteSize()
    data = path.with_name(f"{path.name}.data")
    path.unlink(missing_ok=True)
    data.unlink(missing_ok=True)
    onnx.save(graph, str(path), save_as_external_data=size > INSIDE, location=data.name)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what torch's exporter says of itself from a person who can do nothing about it."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _cause(error: BaseException) -> str:
    """Return the first line of what went wrong first."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines: Sequence[str] = str(error).strip().splitlines() or [type(error).__name__]
    return clip(_COLOURS.sub("", lines[0]))
