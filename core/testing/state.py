"""What a step may not leave changed: weights, flags, hooks on modules, torch's own settings."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..training.trainer import Trainer
from .bench import ROWS, Bench, started, variants
from .shape import told

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class Boom(Exception):
    """Thrown into the middle of a step."""


@dataclasses.dataclass
class Seen:
    """What was seen of a trainer at one moment, each by the name of its parameter or module."""

    values: dict[str, Tensor]
    places: dict[str, int]
    trained: dict[str, bool]
    hooks: dict[str, int]
    training: dict[str, bool]
    settings: dict[str, Any]


def seen(trainer: Trainer) -> Seen:
    """Return what a step must leave as it is."""
    model = trainer.run.model
    tensors: dict[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    modules = dict(model.named_modules())
    return Seen(
        {name: tensor.detach().clone() for name, tensor in tensors.items()},
        {name: tensor.data_ptr() for name, tensor in tensors.items()},
        {name: tensor.requires_grad for name, tensor in tensors.items()},
        hooks_of(model),
        {name: module.training for name, module in modules.items()},
        settings(),
    )


def hooks_of(model: torch.nn.Module) -> dict[str, int]:
    """Return how many hooks there are on each module that has some."""
    counts = {
        name: sum(len(getattr(module, kind)) for kind in _HOOKS)
        for name, module in model.named_modules()
    }
    return {name: count for name, count in counts.items() if count}


def settings() -> dict[str, Any]:
    """Return the settings of torch that belong to the whole process."""
    return {name: get() for name, (get, _) in _settings().items()}


@contextlib.contextmanager
def settings_kept() -> Iterator[None]:
    """Put torch's settings back, so that one fault is not told by every check after it."""
    before = settings()
    try:
        yield
    finally:
        after = settings()
        for name, (_, put) in _settings().items():
            if after[name] != before[name]:
                put(before[name])


def _settings() -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    import torch

    cudnn = torch.backends.cudnn
    return {
        "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
        "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
        "autocast": (
            lambda: torch.is_autocast_enabled("cpu"),
            lambda on: torch.set_autocast_enabled("cpu", on),
        ),
        "determinism": (
            torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms,
        ),
        "anomaly mode": (torch.is_anomaly_enabled, torch._C.set_anomaly_enabled),
        "float32 matmul precision": (
            torch.get_float32_matmul_precision, torch.set_float32_matmul_precision,
        ),
        "number of threads": (torch.get_num_threads, torch.set_num_threads),
        "cudnn benchmark": (
            lambda: cudnn.benchmark, lambda on: setattr(cudnn, "benchmark", on),
        ),
        "cudnn determinism": (
            lambda: cudnn.deterministic, lambda on: setattr(cudnn, "deterministic", on),
        ),
        "seed": (torch.initial_seed, lambda seed: None),
    }  # fmt: skip


def changes(before: Seen, after: Seen, weights: bool = True) -> list[str]:
    """Return what differs, in words; without `weights` the values may differ."""
    import torch

    kinds = {
        "values of": [
            name
            for name, value in before.values.items()
            if weights and not torch.equal(value, after.values.get(name, value.new_empty(0)))
        ],
        "storage of": _unlike(before.places, after.places),
        "requires_grad of": _unlike(before.trained, after.trained),
        "hooks on": _unlike(before.hooks, after.hooks),
        "train/eval mode of": _unlike(before.training, after.training),
        "torch's": _unlike(before.settings, after.settings),
    }
    return [f"{kind} {_some(names)}" for kind, names in kinds.items() if names]


def _unlike(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def _some(names: list[str]) -> str:
    first = names[0] or "the model itself"
    return first if len(names) == 1 else f"{first} and {len(names) - 1} more"


def put_back(bench: Bench) -> Iterator[str]:
    """A micro-batch, an evaluation and a step leave all but trained weights as it was."""
    trainer = started(bench.trainer())
    run, call = trainer.run, trainer.hooks.call
    parts: list[tuple[str, Callable[[], Any], bool]] = [
        ("a micro-batch", lambda: trainer.backward(ROWS), True),
        ("an evaluation", lambda: call.evaluate(run=run), True),
        ("a step", lambda: trainer.optimizer_step(ROWS), False),
    ]
    for number in variants(trainer, bench.own(trainer)):
        run.step = number
        for name, act, weights in parts:
            before = seen(trainer)
            act()
            left = changes(before, seen(trainer), weights)
            if left:
                yield (
                    f"{name} leaves changed: {', '.join(left)}; put it back in a finally "
                    "(titlekit.borrowed does so for a parameter, by copying)"
                )
                return


def interrupted(bench: Bench) -> Iterator[str]:
    """An error in any pass of a step, or in an evaluation, leaves everything as it was."""
    trainer = started(bench.trainer())
    run = trainer.run
    for number in variants(trainer, bench.own(trainer)):
        run.step = number
        for owner, name, what in (
            (run, "model_forward", "forward pass"), (run.precision, "scale", "backward pass"),
        ):  # fmt: skip
            whole = _Fuse(getattr(owner, name))
            _with(owner, name, whole, trainer)
            for place in range(whole.burnt):
                fuse = _Fuse(whole.function, place)
                where = f"{what} {place + 1} of a micro-batch"
                act = functools.partial(_with, owner, name, fuse, trainer)
                fault = _broken(trainer, where, act)
                if fault:
                    yield fault
                    return
    if trainer.hooks.wrapped("evaluate"):
        fuse = _Fuse(run.evaluate_here, 0)
        run.evaluate_here = fuse
        fault = _broken(trainer, "an evaluation", lambda: trainer.hooks.call.evaluate(run=run))
        if fault:
            yield fault


class _Fuse:
    """Calls a function, and fails in one call of it."""

    def __init__(self, function: Any, place: int = -1) -> None:
        self.function, self.place, self.burnt = function, place, 0

    def __call__(self, *given: Any) -> Any:
        self.burnt += 1
        if self.burnt - 1 == self.place:
            raise Boom
        return self.function(*given)


def _with(owner: Any, name: str, function: _Fuse, trainer: Trainer) -> None:
    """Run one micro-batch with a function in another's place."""
    setattr(owner, name, function)
    trainer.run.optimizer.zero_grad(set_to_none=True)
    try:
        trainer.backward(ROWS)
    finally:
        setattr(owner, name, function.function)


def _broken(trainer: Trainer, where: str, act: Any) -> str:
    """Return what an error that `act` is made to meet leaves changed, or nothing."""
    before = seen(trainer)
    try:
        act()
    except Boom:
        left = changes(before, seen(trainer))
        if not left:
            return ""
        return (
            f"an error in {where} leaves changed: {', '.join(left)}; put it back in a finally "
            "(titlekit.borrowed does so for a parameter)"
        )
    except UsageError:
        raise
    except Exception as error:
        return f"an error in {where} becomes another: {told(error)}; let it pass"
    return f"an error in {where} is swallowed; let it pass"
