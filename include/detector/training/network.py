"""EfficientNet-Lite0, cut off in its middle, as an ONNX graph that ends in features for copy detection.

What lies behind tells classes of things apart and nothing else: without it, copies are found better, and in
less time. The outputs of four stages, and the widest layers of three, are pooled over the whole
picture and over five overlapping regions of it, so that one run also describes parts. Batch norms are folded
into the convolutions; weights are stored as 16 bit floats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

INPUT_SIDE = 224
BATCH_NORM_EPSILON = 1e-3
# kernel, stride, expansion, channels, repeats, and side of the output, of the first five of seven stages
STAGES = (
    (3, 1, 1, 16, 1, 112),
    (3, 2, 6, 24, 2, 56),
    (5, 2, 6, 40, 2, 28),
    (3, 2, 6, 80, 3, 14),
    (5, 1, 6, 112, 3, 14),
)
OUTPUTS_FROM, WIDEST_FROM = 1, 2  # stages
FINE, FINE_WEIGHT = 28, 0.5  # side from which features are of edges, and what these count
FEATURES = 2 * (24 + 40 + 80 + 112) + 6 * (40 + 80 + 112)
GRID = 7  # fields in either direction
# parts of the picture as left, top, right, bottom in fields; the first is the whole
WINDOWS = ((0, 0, 7, 7), (0, 0, 4, 4), (3, 0, 7, 4), (0, 3, 4, 7), (3, 3, 7, 7), (1, 1, 6, 6))


@dataclass
class Graph:
    """An ONNX graph under construction."""

    weights: dict[str, NDArray[Any]]  # of the checkpoint
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: Any, kind: type = np.float32) -> str:
        """Append a constant; large ones are stored as 16 bit and widened when the session starts."""
        array: NDArray[Any] = np.asarray(values, kind)
        name = f"constant_{len(self.constants)}"
        if kind is np.float32 and array.size > 64:
            self.constants.append(numpy_helper.from_array(array.astype(np.float16), name))
            return self.node("Cast", [name], to=TensorProto.FLOAT)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def convolution(
        self, inputs: str, conv: str, norm: str, *, stride: int = 1, groups: int = 1, active: bool = True
    ) -> str:
        """A convolution with its batch norm folded in, followed by ReLU6 where `active`."""
        kernel = self.weights[f"{conv}.weight"]
        gain = self.weights[f"{norm}.weight"] / np.sqrt(
            self.weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON
        )
        bias = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * gain
        out = self.node(
            "Conv",
            [inputs, self.constant(kernel * gain[:, None, None, None]), self.constant(bias)],
            strides=[stride, stride],
            group=groups,
            auto_pad="SAME_UPPER",
            kernel_shape=kernel.shape[2:],
        )
        return self.node("Clip", [out, self.constant(0.0), self.constant(6.0)]) if active else out


def build_network(
    weights: dict[str, NDArray[Any]], projection: tuple[NDArray[Any], NDArray[Any]] | None
) -> onnx.ModelProto:
    """Build the network.

    Args:
        weights: the published checkpoint.
        projection: mean [FEATURES] and matrix [FEATURES, dimensions]; None leaves the features as they are.

    Returns:
        A model with input `image` uint8 [batch, 224, 224, 3] and output `descriptors` float32
        [batch, windows, dimensions], of unit length.
    """
    graph = Graph(weights)
    features = graph.node("Concat", _depths(graph), axis=2)
    width = FEATURES
    if projection is not None:
        mean, matrix = projection
        width = matrix.shape[1]
        features = graph.node("Sub", [features, graph.constant(mean)])
        features = graph.node("MatMul", [features, graph.constant(matrix)])
        features = graph.node("LpNormalization", [features], axis=-1, p=2)
    graph.nodes.append(helper.make_node("Identity", [features], ["descriptors"]))
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["b", INPUT_SIDE, INPUT_SIDE, 3])
    out = helper.make_tensor_value_info("descriptors", TensorProto.FLOAT, ["b", len(WINDOWS), width])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "copy-descriptor", [image], [out], graph.constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    return model


def _depths(graph: Graph) -> list[str]:
    """All convolutions; returns the pooled features of each depth."""
    values = graph.node("Transpose", ["image"], perm=[0, 3, 1, 2])
    values = graph.node("Cast", [values], to=TensorProto.FLOAT)
    values = graph.node("Div", [graph.node("Sub", [values, graph.constant(127.0)]), graph.constant(128.0)])
    values = graph.convolution(values, "_conv_stem", "_bn0", stride=2)
    channels, block, depths = 32, 0, []
    for stage, (_, stride, expansion, wider, repeats, side) in enumerate(STAGES):
        for repeat in range(repeats):
            widest, values = _block(
                graph,
                values,
                number=block,
                channels=channels,
                wider=wider,
                expansion=expansion,
                stride=stride if repeat == 0 else 1,
            )
            channels, block = wider, block + 1
        if stage >= WIDEST_FROM:
            depths.append(_pool(graph, widest, side))
        if stage >= OUTPUTS_FROM:
            depths.append(_pool(graph, _both_signs(graph, values), side))
    return depths


def _block(
    graph: Graph, inputs: str, *, number: int, channels: int, wider: int, expansion: int, stride: int
) -> tuple[str, str]:
    """One inverted residual block: its widest layer, and its output."""
    name, values = f"_blocks.{number}", inputs
    if expansion != 1:
        values = graph.convolution(values, f"{name}._expand_conv", f"{name}._bn0")
    widest = graph.convolution(
        values, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, groups=channels * expansion
    )
    values = graph.convolution(widest, f"{name}._project_conv", f"{name}._bn2", active=False)
    return widest, graph.node("Add", [inputs, values]) if stride == 1 and channels == wider else values


def _both_signs(graph: Graph, values: str) -> str:
    """Twice as many channels, since a projection without ReLU has values of both signs."""
    return graph.node("Relu", [graph.node("Concat", [values, graph.node("Neg", [values])], axis=1)])


def _pool(graph: Graph, values: str, side: int) -> str:
    """Features of every window [batch, windows, channels]: a generalised mean's root.

    The mean of third powers, and the third root of it, lies between mean and maximum. Means over GRID x GRID
    fields come first, then all windows are one product with a matrix. The features' length is one, or less
    where they are of edges.
    """
    positive = graph.node("Add", [values, graph.constant(1e-6)])
    powers = graph.node("Mul", [graph.node("Mul", [positive, positive]), positive])
    field = [side // GRID] * 2
    fields = graph.node("AveragePool", [powers], kernel_shape=field, strides=field)
    flat = graph.node("Reshape", [fields, graph.constant([0, 0, GRID * GRID], np.int64)])
    means = graph.node("MatMul", [flat, graph.constant(_window_means())])
    root = graph.node("Pow", [graph.node("Transpose", [means], perm=[0, 2, 1]), graph.constant(1 / 6)])
    unit = graph.node("LpNormalization", [root], axis=-1, p=2)
    return graph.node("Mul", [unit, graph.constant(FINE_WEIGHT)]) if side >= FINE else unit


def _window_means() -> NDArray[np.float32]:
    """What makes means over the windows of all fields, [GRID * GRID, windows]."""
    shares = np.zeros((len(WINDOWS), GRID, GRID), np.float32)
    for share, (left, top, right, bottom) in zip(shares, WINDOWS, strict=True):
        share[top:bottom, left:right] = 1 / ((bottom - top) * (right - left))
    return shares.reshape(len(WINDOWS), -1).T
