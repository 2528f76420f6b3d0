# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The graphs that `twinpatch model export --onnx` writes for the networks measured here, run by PyTorch."""
import onnx
import torch
from onnx import helper, numpy_helper

functional = torch.nn.functional
CALLS = {
    "Add": lambda x, y: x + y,
    "Sub": lambda x, y: x - y,
    "Mul": lambda x, y: x * y,
    "Div": lambda x, y: x / y,
    "Max": torch.maximum,
    "Sqrt": torch.sqrt,
    "Relu": torch.relu,
    "Identity": lambda x: x,
    "ReduceMean": lambda x, axes, keepdims: x.mean(axes, bool(keepdims)),
    "ReduceL2": lambda x, axes, keepdims: torch.linalg.vector_norm(x, dim=axes, keepdim=bool(keepdims)),
    "Concat": lambda *x, axis: torch.cat(x, axis),
    "Flatten": lambda x, axis: x.flatten(axis),
    "Reshape": lambda x, shape: x.reshape(shape.tolist()),
    "Gemm": lambda x, w, b, transB: functional.linear(x, w, b),
    "Conv": lambda x, w, b, kernel_shape, pads, strides: functional.conv2d(x, w, b, strides, pads[:2]),
    "MaxPool": lambda x, kernel_shape, strides, pads: functional.max_pool2d(x, kernel_shape, strides, pads[:2]),
    "AveragePool": lambda x, kernel_shape, strides: functional.avg_pool2d(x, kernel_shape, strides),
}


class OnnxInTorch:
    """Raises KeyError for an operator that those networks do not have."""

    def __init__(self, path):
        graph = onnx.load(path).graph
        self.constants = {one.name: torch.tensor(numpy_helper.to_array(one)) for one in graph.initializer}
        for name, value in self.constants.items():
            if value.dim() == 4:
                self.constants[name] = value.contiguous(memory_format=torch.channels_last)
        self.inputs = [one.name for one in graph.input if one.name not in self.constants]
        self.output = graph.output[0].name
        self.steps = [(CALLS[node.op_type], list(node.input), node.output[0],
                       {one.name: helper.get_attribute_value(one) for one in node.attribute}) for node in graph.node]

    def __call__(self, *inputs):
        values = {**self.constants, **dict(zip(self.inputs, inputs))}
        for call, arguments, result, settings in self.steps:
            values[result] = call(*(values[name] for name in arguments), **settings)
        return values[self.output]
