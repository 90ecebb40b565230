"""Batches without padding: rows end to end in one, on the encoders for which that is exact.

The linear layers, norms and dropout see real tokens alone; only inside attention are the rows of a
batch side by side, padded. The last layer computes what the classifier reads and nothing else,
where its structure is known: the first token of each row.
"""

from __future__ import annotations

import dataclasses
import logging
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from .data.tokens import Flat, Tokens
from .encoder import first_position, layer_parent

if TYPE_CHECKING:
    import torch
    from torch import Tensor

log = logging.getLogger("titlekit")


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the rows of a batch lie in memory: end to end, or padded side by side."""

    unpadded: bool = False
    first: int = 0  # the number of a row's first position

    def inputs(self, tokens: Tokens, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the model's inputs for some rows: `input_ids` is [1, T], or [N, L] padded."""
        return tokens.unpadded(rows, self.first) if self.unpadded else tokens.padded(rows)

    def arrange(self, tokens: Tokens, rows: np.ndarray) -> np.ndarray:
        """Return the rows of a batch in the order that `inputs` wants them in."""
        if self.unpadded:
            return rows[np.argsort(tokens.lengths[rows], kind="stable")]
        return rows


PADDED = Layout()
_ON_HOST = "unpadded_groups"  # sizes of tensors: read by Python, so they stay where it is


def to_device(array: np.ndarray, device: torch.device) -> Tensor:
    """Return an array as a tensor on a device; a GPU copies while Python goes on."""
    import torch

    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def tensors(inputs: dict[str, np.ndarray], device: torch.device) -> dict[str, Tensor]:
    """Return a batch's inputs as tensors on a device."""
    import torch

    host = torch.device("cpu")
    return {
        name: to_device(array, host if name == _ON_HOST else device)
        for name, array in inputs.items()
    }


ATTENTION = "titlekit_unpadded"  # sdpa, which knows unpadded rows when it is given them
TOLERANCE = 1e-4  # between the logits of the two layouts, in float32
_GIVEN = "unpadded_mask"  # among the arguments of an unpadded pass


def layout_of(model: torch.nn.Module, max_length: int, pad_id: int, left: bool = False) -> Layout:
    """Let a model take unpadded inputs too, if they give the same logits; return what it takes.

    Tried on eight rows of 1 to `max_length` random tokens, once in a process for each architecture.
    Padded inputs give what they gave before; a model that fails, or that reads the last token
    (`left`), is left as it was.
    """
    if left or not _built_for_it(model):
        return PADDED
    found = Layout(True, first_position(model))
    config: Any = model.config
    kind = (type(model), config.to_json_string(use_diff=False), max_length, pad_id, found)
    _prepare(model)
    if kind not in _TRIED:
        _TRIED[kind] = _gives_the_same(model, max_length, pad_id, found)
    if _TRIED[kind]:
        return found
    refuse(model)
    return PADDED


_TRIED: dict[tuple[Any, ...], bool] = {}


def _gives_the_same(model: torch.nn.Module, max_length: int, pad_id: int, layout: Layout) -> bool:
    try:
        apart = _difference(model, max_length, pad_id, layout)
    except (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        log.debug("unpadded batches: %s", error)
        return False
    if apart > TOLERANCE:
        log.debug("unpadded batches: the logits differ by %g", apart)
    return apart <= TOLERANCE


def refuse(model: torch.nn.Module) -> None:
    """Undo `layout_of`: the model takes padded inputs alone, as it did before."""
    if getattr(model.config, "_attn_implementation", None) != ATTENTION:
        return
    model.set_attn_implementation("sdpa")  # type: ignore[operator]
    module = model.get_submodule(layer_parent(model))
    for number, hook in list(module._forward_hooks.items()):
        if hook is _first_tokens:
            del module._forward_hooks[number], module._forward_hooks_with_kwargs[number]
    last = _last_layer(module)
    if last is not None:
        del last.forward


def _built_for_it(model: torch.nn.Module) -> bool:
    """Return whether attention is a function that can be exchanged, and rows begin with a class."""
    if getattr(model.config, "_attn_implementation", None) not in ("sdpa", ATTENTION):
        return False
    return bool(layer_parent(model))


def _prepare(model: torch.nn.Module) -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    from .attention import unpadded_attention

    if getattr(model.config, "_attn_implementation", None) == ATTENTION:
        return
    AttentionInterface.register(ATTENTION, unpadded_attention)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    model.set_attn_implementation(ATTENTION)  # type: ignore[operator]
    module = model.get_submodule(layer_parent(model))
    module.register_forward_hook(_first_tokens, with_kwargs=True)
    last = _last_layer(module)
    if last is not None:
        # A bound method, so that a copy of the model has one of its own layer.
        last.forward = types.MethodType(_first_tokens_only, last)


def _first_tokens(module: torch.nn.Module, args: Any, given: dict[str, Any], output: Any) -> Any:
    """Give what stands behind the layers the first token of each row: [N, 1, H] for [1, T, H]."""
    if _GIVEN not in given:
        return output
    hidden = output.last_hidden_state
    if hidden.shape[0] == 1 and hidden.shape[1] == len(given["unpadded_cells"]):
        output.last_hidden_state = hidden[0].index_select(0, given["unpadded_starts"])[:, None]
    return output


def _last_layer(module: torch.nn.Module) -> torch.nn.Module | None:
    """Return the last of some layers where it is built as BERT's, else None."""
    from torch import nn

    lists = [part for part in module.children() if isinstance(part, nn.ModuleList)]
    last: Any = lists[-1][-1] if lists and len(lists[-1]) else None
    inside = getattr(getattr(last, "attention", None), "self", None)
    fits = all(
        hasattr(owner, name)
        for owner, names in (
            (last, ("feed_forward_chunk",)),
            (getattr(last, "attention", None), ("output",)),
            (inside, ("query", "key", "value", "dropout", "scaling", "attention_head_size")),
        )
        for name in names
    )
    return last if fits else None


def _first_tokens_only(layer: Any, hidden_states: Tensor, *args: Any, **given: Any) -> Any:
    """BERT's layer for unpadded rows [1, T, H], of which the first tokens [N, 1, H] are wanted.

    Keys and values are of all tokens; queries, and all that comes after, of the first ones.
    """
    if _GIVEN not in given:
        return type(layer).forward(layer, hidden_states, *args, **given)
    import torch

    from .attention import attend, groups, padded

    attention, size = layer.attention.self, layer.attention.self.attention_head_size
    first = hidden_states[0].index_select(0, given["unpadded_starts"])[:, None]
    query = attention.query(first).unflatten(-1, (-1, size)).transpose(1, 2)
    key, value = (
        padded(part(hidden_states[0]).unflatten(-1, (-1, size)), given)
        for part in (attention.key, attention.value)
    )
    drop, seen = attention.dropout.p if attention.training else 0.0, []
    for group in groups(given):
        k, v = group.side_by_side(key), group.side_by_side(value)
        seen.append(attend(query[group.rows], k, v, group.mask, drop, attention.scaling))
    found = torch.cat(seen).transpose(1, 2).flatten(2)
    return layer.feed_forward_chunk(layer.attention.output(found, first))


def _difference(model: torch.nn.Module, max_length: int, pad_id: int, layout: Layout) -> float:
    """Return how far the logits of eight random rows are apart, unpadded and padded."""
    import torch

    rng = np.random.default_rng(0)
    words = len(model.get_input_embeddings().weight)  # type: ignore[operator]
    lengths = np.unique(np.linspace(1, max_length, 8).astype(int))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = rng.integers(0, words, offsets[-1]).astype(np.int32)
    values[values == pad_id] = (pad_id + 1) % words  # some models find the padding by it
    tokens = Tokens(Flat(values, offsets), None, pad_id)
    rows, device = np.arange(len(lengths)), next(model.parameters()).device
    was = model.training
    model.eval()
    try:
        with torch.inference_mode():
            logits = [
                model(**tensors(inputs, device)).logits
                for inputs in (tokens.padded(rows), layout.inputs(tokens, rows))
            ]
    finally:
        model.train(was)
    return float((logits[0].float() - logits[1].float()).abs().max())
