"""What core must know of an encoder's inside, read from its structure and not from names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def depths(model: torch.nn.Module) -> tuple[dict[str, int], int]:
    """Return the depth of every parameter by name, and the number of layers L.

    0: embeddings (word, position, relative position and their norms); 1 to L: the layers;
    L: norms after the last layer; L + 1: the head, pooler included. Layers that share their
    weights (ALBERT's) are one.
    """
    prefix = getattr(model, "base_model_prefix", "")
    inside = f"{prefix}." if prefix else ""
    parent, stacks = _layers(model, prefix)
    if not stacks:
        return {n: 0 if n.startswith(inside) else 1 for n, _ in model.named_parameters()}, 0
    layers = len(stacks[0])
    places = {name: place for stack in stacks for place, name in enumerate(stack, 1)}
    found: dict[str, int] = {}
    passed = False
    for parameter, _ in model.named_parameters():
        layer = [place for name, place in places.items() if parameter.startswith(name)]
        if layer:
            passed = True
            found[parameter] = layer[0]
        elif not parameter.startswith(inside):
            found[parameter] = layers + 1  # the classifier
        elif not passed:
            found[parameter] = 0
        elif parameter.startswith(f"{parent}.") and parent != prefix:
            # Beside the layers: relative positions and their norm (DeBERTa, MPNet), or a module
            # with parts of its own, which acts after the first layer (DeBERTa-v2's convolution).
            found[parameter] = int(parameter[len(parent) + 1 :].count(".") > 1)
        else:
            # After the layers: a last norm of the encoder itself, or a pooler.
            found[parameter] = layers if ".pooler." not in f".{parameter}" else layers + 1
    return found, layers


def layer_parent(model: torch.nn.Module) -> str:
    """Return the name of the module that the layers stand in, "" where there are none."""
    return _layers(model, getattr(model, "base_model_prefix", ""))[0]


def first_position(model: torch.nn.Module) -> int:
    """Return the number of a row's first position: RoBERTa and its kin count from the padding."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            return 0 if module.padding_idx is None else int(module.padding_idx) + 1
    return 0


def _layers(model: torch.nn.Module, prefix: str) -> tuple[str, list[list[str]]]:
    """Return where the layers are, and the beginnings of their parameters' names, in order.

    They are the longest list of modules. A list of lists is one (Funnel); lists of one length
    side by side are parts of the same layers (XLM), and each is returned.
    """
    from torch import nn

    lists: list[tuple[str, list[str]]] = []
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and name.startswith(prefix):
            members: list[str] = []
            for place, part in enumerate(module):
                inner = range(len(part)) if isinstance(part, nn.ModuleList) else ()
                members += [f"{name}.{place}.{number}." for number in inner] or [f"{name}.{place}."]
            lists.append((name.rpartition(".")[0], members))
    if not lists:
        return "", []
    parent, longest = max(lists, key=lambda item: len(item[1]))
    return parent, [one for where, one in lists if where == parent and len(one) == len(longest)]


def length_limit(model: torch.nn.Module, tokenizer: Any) -> int:
    """Return the longest input in tokens that the model has positions for."""
    limits = [512]
    config: Any = model.config
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        limits = [positions]
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            limits.append(int(module.num_embeddings) - first_position(model))
    if tokenizer.model_max_length < 1_000_000:
        limits.append(int(tokenizer.model_max_length))
    return min(limits)


def check_vocabulary(model: torch.nn.Module, highest: int, name: str) -> None:
    """Refuse token numbers that the word embeddings have no row for; `name` is the model's."""
    rows = len(model.get_input_embeddings().weight)  # type: ignore[operator]
    if highest >= rows:
        raise UsageError(
            f"--model {name}: its tokenizer gives token number {highest}, and the encoder knows "
            f"{rows} tokens (the first is 0): the two are not of one model"
        )


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
