"""A net of `benchmarks.nets` as an ONNX model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from onnx import TensorProto, helper, numpy_helper

from benchmarks.layers import Conv, Flatten, Layer, Linear, MaxPool, Mean, ReLU, Residual
from benchmarks.nets import Net


class Builder:
    """Nodes and initial values of an ONNX graph, one after the other."""

    def __init__(self, net: Net) -> None:
        self.nodes: list[Any] = []
        self.values: list[Any] = []
        self.weights: Iterator[Any] = iter(net.weights())

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def pair(self) -> list[str]:
        """Names of the next layer's weight and bias."""
        names = []
        for array in next(self.weights):
            names.append(f"w{len(self.values)}")
            self.values.append(numpy_helper.from_array(array, names[-1]))
        return names

    def apply(self, layers: Sequence[Layer], x: str, axes: int) -> str:
        for layer in layers:
            match layer:
                case Conv(stride=stride, padding=padding, groups=groups):
                    attributes = {"strides": [stride] * axes, "pads": [padding] * 2 * axes, "group": groups}
                    x = self.add("Conv", x, *self.pair(), **attributes)
                case Linear():
                    x = self.add("Gemm", x, *self.pair(), transB=1)
                case ReLU():
                    x = self.add("Relu", x)
                case MaxPool(size):
                    x = self.add("MaxPool", x, kernel_shape=[size] * axes, strides=[size] * axes)
                case Flatten():
                    x = self.add("Flatten", x)
                case Mean():
                    x = self.add("Flatten", self.add("GlobalAveragePool", x))
                case Residual(inner):
                    x = self.add("Add", x, self.apply(inner, x, axes))
        return x


def serialized(net: Net) -> bytes:
    """The net as an ONNX model of a fixed batch, from "x"."""
    builder = Builder(net)
    y = builder.apply(net.layers, "x", len(net.shape) - 1)
    x_info = helper.make_tensor_value_info("x", TensorProto.FLOAT, (net.batch, *net.shape))
    y_info = helper.make_tensor_value_info(y, TensorProto.FLOAT, net.result())
    graph = helper.make_graph(builder.nodes, "net", [x_info], [y_info], builder.values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    text: bytes = model.SerializeToString()
    return text
