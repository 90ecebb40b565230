"""The state of a run as one safetensors file: no pickle, whole or not there at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RunError, UsageError

if TYPE_CHECKING:
    from torch import Tensor


def pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return `value` as JSON, its tensors moved to `tensors`.

    Holds dictionaries (with text or number keys), lists, tuples, tensors and plain values; refuses
    anything else, for what cannot be packed could not be resumed.
    """
    import torch

    if isinstance(value, torch.Tensor):
        key = str(len(tensors))
        # A copy: safetensors refuses tensors that share memory (tied weights, scalars).
        tensors[key] = value.detach().cpu().clone().contiguous()
        return {"tensor": key}
    if isinstance(value, dict):
        return {"dict": [[key, pack(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [pack(item, tensors) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a state may hold tensors and plain values, not {type(value).__name__}")


def unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return what pack() was given."""
    if not isinstance(value, dict):
        return value
    (kind, inside), *_ = value.items()
    if kind == "tensor":
        return tensors[inside]
    if kind == "dict":
        return {key: unpack(item, tensors) for key, item in inside}
    items = [unpack(item, tensors) for item in inside]
    return items if kind == "list" else tuple(items)


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state beside `path` and rename it into place."""
    tensors: dict[str, Tensor] = {}
    text = json.dumps(pack(state, tensors))
    write_whole(path, tensors, {"state": text})


def load(path: Path) -> dict[str, Any]:
    """Read a state; its tensors are on the CPU."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as stream:
            tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118
            text = (stream.metadata() or {})["state"]
        state: dict[str, Any] = unpack(json.loads(text), tensors)
        return state
    except (SafetensorError, KeyError, ValueError) as error:
        raise UsageError(f"{path} is not a state that titlekit saved: {error}") from None


def write_whole(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors as safetensors under a temporary name, flush to disk, then rename."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.tmp")
    try:
        save_file(tensors, str(beside), metadata)
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except (OSError, SafetensorError) as error:
        beside.unlink(missing_ok=True)
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
        raise RunError(
            f"cannot write {path} ({size / 1e6:.0f} MB): {error}; make room there and continue "
            "with --resume"
        ) from error


class BestWeights:
    """The best weights so far: in the run's folder, or in memory where there is none."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.memory: dict[str, Tensor] = {}

    def keep(self, model: Any, step: int) -> None:
        """Keep the weights as they are now, as those of `step`."""
        weights = {
            name: tensor.detach().cpu().clone().contiguous()
            for name, tensor in model.state_dict().items()
        }
        if self.folder is None:
            self.memory = weights
        else:
            write_whole(self._path(step), weights, {"format": "pt"})

    def restore(self, model: Any, step: int) -> None:
        """Put the weights of `step` back into the model."""
        weights = self.memory
        if self.folder is not None:
            from safetensors.torch import load_file

            if not self._path(step).is_file():
                raise RunError(f"the best weights of this run, {self._path(step)}, are gone")
            weights = load_file(str(self._path(step)))
        model.load_state_dict(weights)

    def forget_all_but(self, step: int) -> None:
        """Delete weights that no saved state names any more."""
        if self.folder is None or not self.folder.is_dir():
            return
        for path in self.folder.glob("best-*.safetensors"):
            if path != self._path(step):
                path.unlink()

    def _path(self, step: int) -> Path:
        assert self.folder is not None
        return self.folder / f"best-{step}.safetensors"
