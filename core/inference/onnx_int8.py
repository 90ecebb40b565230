"""int8 for the matrix products of a graph: a scale for every weight column and every token.

onnxruntime's own quantize_dynamic gives all tokens of a batch one scale, so that a title's scores
depend on the titles beside it. A scale a token ends that, and is nearer to float32. Integer
products are exact, so the order and the number of rows change nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .onnx_write import save_graph

# 7 bits for weights: on processors without VNNI two products of 8 bits are added in 16 bits, and
# 255 * 63 * 2 still fits. Otherwise sums are cut off there, and the same file answers differently.
_WEIGHT_STEPS = 63
_TOKEN_STEPS, _MIDDLE = 127, 128  # of activations: -127 to 127, kept as 1 to 255
_NARROW = 16  # a product of fewer columns costs nothing in float32, and the logits come of one
_CONTRIB = "com.microsoft"  # onnxruntime's own operators


def quantise(path: Path) -> int:
    """Rewrite a float32 graph in place with int8 matrix products; return how many they are.

    Embeddings, norms, attention between tokens and the last layer stay float32.
    """
    import onnx

    graph = onnx.load(str(path))
    del graph.graph.value_info[:]  # shapes of what is no longer there
    rewriting = _Rewriting(graph.graph)
    for node in list(graph.graph.node):
        rewriting.add(node)
    rewriting.finish()
    if not any(one.domain == _CONTRIB for one in graph.opset_import):
        graph.opset_import.append(onnx.helper.make_opsetid(_CONTRIB, 1))
    save_graph(graph, path)
    return rewriting.products


class _Rewriting:
    """The nodes of a graph, each copied or replaced, and the constants that the new ones need."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.constants = {one.name: one for one in graph.initializer}
        self.nodes: list[Any] = []
        self.tokens: dict[str, str] = {}  # an activation -> the prefix of its int8 form
        self.products = 0
        self._constant("int8.axis", np.array([-1], np.int64))
        self._constant("int8.least", np.float32(1e-12))
        self._constant("int8.step", np.float32(1 / _TOKEN_STEPS))
        self._constant("int8.middle", np.uint8(_MIDDLE))

    def add(self, node: Any) -> None:
        """Append a node, or the int8 form of a product with a constant matrix."""
        weight = self._weight(node)
        if weight is None:
            self.nodes.append(node)
            return
        self.products += 1
        prefix, token = f"int8.weight{self.products}", self._token(node.input[0])
        steps = np.maximum(np.abs(weight).max(axis=0), 1e-12) / _WEIGHT_STEPS
        self._constant(prefix, np.rint(weight / steps).astype(np.int8))
        self._constant(f"{prefix}.steps", steps.astype(np.float32))
        self._constant(f"{prefix}.middle", np.zeros(len(steps), np.int8))
        given = [f"{token}.int8", prefix, "int8.step", f"{prefix}.steps", "int8.middle",
                 f"{prefix}.middle"]  # fmt: skip
        self._node("MatMulIntegerToFloat", given, f"{prefix}.unit", domain=_CONTRIB)
        bias = node.input[2] if len(node.input) > 2 else ""
        product = f"{prefix}.product" if bias else node.output[0]
        self._node("Mul", [f"{prefix}.unit", f"{token}.scale"], product)
        if bias:
            self._node("Add", [product, bias], node.output[0])

    def finish(self) -> None:
        """Put nodes and constants into the graph; the float weights that no node reads go."""
        used = {name for node in self.nodes for name in node.input}
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        del self.graph.initializer[:]
        self.graph.initializer.extend(one for name, one in self.constants.items() if name in used)

    def _weight(self, node: Any) -> np.ndarray | None:
        """Return the matrix [in, out] of a product that shall be int8, None for another node."""
        from onnx import numpy_helper

        told = {one.name: one.i or one.f for one in node.attribute}
        plain = node.op_type == "MatMul" or (
            node.op_type == "Gemm"
            and not told.get("transA")
            and (told.get("alpha", 1.0), told.get("beta", 1.0)) == (1.0, 1.0)
        )
        matrix = self.constants.get(node.input[1]) if plain else None
        if matrix is None or len(matrix.dims) != 2:
            return None
        weight = np.asarray(numpy_helper.to_array(matrix), np.float32)
        if node.op_type == "Gemm" and told.get("transB"):
            weight = weight.T
        return weight if weight.shape[1] >= _NARROW else None

    def _token(self, name: str) -> str:
        """Add what divides each token by its greatest number and rounds it, once an activation."""
        if name not in self.tokens:
            prefix = self.tokens[name] = f"int8.token{len(self.tokens) + 1}"
            self._node("ReduceMax", [name, "int8.axis"], f"{prefix}.high", keepdims=1)
            self._node("ReduceMin", [name, "int8.axis"], f"{prefix}.low", keepdims=1)
            self._node("Neg", [f"{prefix}.low"], f"{prefix}.depth")
            greatest = [f"{prefix}.high", f"{prefix}.depth", "int8.least"]
            self._node("Max", greatest, f"{prefix}.scale")
            self._node("Div", [name, f"{prefix}.scale"], f"{prefix}.unit")
            rounded = [f"{prefix}.unit", "int8.step", "int8.middle"]
            self._node("QuantizeLinear", rounded, f"{prefix}.int8")
        return self.tokens[name]

    def _node(self, kind: str, inputs: list[str], output: str, **more: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], **more))

    def _constant(self, name: str, value: Any) -> None:
        from onnx import numpy_helper

        self.constants[name] = numpy_helper.from_array(np.asarray(value), name)
