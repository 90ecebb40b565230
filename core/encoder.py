"""What core must know of an encoder's inside, read from its structure and not from names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def depths(model: torch.nn.Module) -> tuple[dict[str, int], int]:
    """Return the depth of every parameter by name, and the number of layers L.

    0: embeddings (word, position, relative position and their norms); 1 to L: the layers;
    L: norms after the last layer; L + 1: the head, pooler included.
    """
    from torch import nn

    prefix = getattr(model, "base_model_prefix", "")
    stacks = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and name.startswith(prefix)
    ]
    inside = f"{prefix}." if prefix else ""
    if not stacks:
        return {n: 0 if n.startswith(inside) else 1 for n, _ in model.named_parameters()}, 0
    name, stack = max(stacks, key=lambda item: len(item[1]))
    layers = len(stack)
    parent = name.rpartition(".")[0]
    found: dict[str, int] = {}
    passed = False
    for parameter, _ in model.named_parameters():
        if parameter.startswith(f"{name}."):
            passed = True
            found[parameter] = int(parameter[len(name) + 1 :].split(".")[0]) + 1
        elif not parameter.startswith(inside):
            found[parameter] = layers + 1  # the classifier
        elif not passed:
            found[parameter] = 0
        elif parameter.startswith(f"{parent}.") and parent != prefix:
            found[parameter] = 0  # beside the layers: relative positions and their norm (DeBERTa)
        else:
            # After the layers: a last norm of the encoder itself, or a pooler.
            found[parameter] = layers if ".pooler." not in f".{parameter}" else layers + 1
    return found, layers


def length_limit(model: torch.nn.Module, tokenizer: Any) -> int:
    """Return the longest input in tokens that the model has positions for."""
    limits = [512]
    config: Any = model.config
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        limits = [positions]
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            # RoBERTa and its kin count positions from padding_idx + 1.
            first = 0 if module.padding_idx is None else int(module.padding_idx) + 1
            limits.append(int(module.num_embeddings) - first)
    if tokenizer.model_max_length < 1_000_000:
        limits.append(int(tokenizer.model_max_length))
    return min(limits)


def with_features(
    model: torch.nn.Module,
) -> tuple[Callable[[dict[str, Tensor]], tuple[Tensor, Tensor | None]], Any]:
    """Return forward(inputs) -> (logits [N, C], features [N, H] or None), and a handle.

    Features are what the last linear layer of the head receives. ``handle.remove()`` undoes it.
    """
    from torch import nn

    classes = int(model.config.num_labels)  # type: ignore[union-attr, arg-type]
    heads = [
        module
        for module in model.modules()
        if isinstance(module, nn.Linear) and module.out_features == classes
    ]
    seen: list[Tensor] = []

    def watch(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        seen.append(arguments[0])

    handle = heads[-1].register_forward_pre_hook(watch) if heads else None

    def forward(inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        seen.clear()
        logits = model(**inputs).logits
        return logits, seen.pop() if seen else None

    return forward, handle
