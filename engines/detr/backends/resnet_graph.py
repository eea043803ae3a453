"""A folded ResNet as an ONNX graph, node by node, for the inference programs that read one.

Written by hand since the network is only convolutions, sums, ReLUs and one pooling: height and width stay free, and no
tracer is needed.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from engines.blocks.resnet import Bottleneck, ResNet

INPUT, OUTPUT = "pixels", "features"


def resnet_graph(net: ResNet) -> bytes:
    """The network as ONNX (opset 17): pixels (B, 3, H, W) -> features (B, C, H / 32, W / 32); B, H, W stay free.

    Raises
    ------
    TypeError
        If a batch norm is left; see `engines.blocks.resnet.fold`.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights = [], []

    def convolve(name: str, conv: nn.Module, source: str) -> str:
        if not isinstance(conv, nn.Conv2d) or conv.bias is None:
            raise TypeError(f"{name} is no convolution with its norm folded in")
        for part, tensor in (("weight", conv.weight), ("bias", conv.bias)):
            values = tensor.detach().float().cpu().contiguous().numpy()
            weights.append(numpy_helper.from_array(values, f"{name}.{part}"))
        sides = [int(side) for side in conv.padding] if isinstance(conv.padding, tuple) else [0, 0]
        nodes.append(
            helper.make_node("Conv", [source, f"{name}.weight", f"{name}.bias"], [name], name=name,
                             kernel_shape=list(conv.kernel_size), strides=list(conv.stride), pads=sides * 2)
        )  # fmt: skip
        return name

    def then(kind: str, *sources: str, **attributes: Any) -> str:
        out = f"{kind}{len(nodes)}"
        nodes.append(helper.make_node(kind, list(sources), [out], name=out, **attributes))
        return out

    def block(name: str, step: Bottleneck, source: str) -> str:
        y = then("Relu", convolve(f"{name}.conv1", step.conv1, source))
        y = then("Relu", convolve(f"{name}.conv2", step.conv2, y))
        y = convolve(f"{name}.conv3", step.conv3, y)
        around = source if step.downsample is None else convolve(f"{name}.around", step.downsample[0], source)
        return then("Relu", then("Add", y, around))

    x = then("Relu", convolve("conv1", net.conv1, INPUT))
    x = then("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for index, step in enumerate(net.steps()):
        if not isinstance(step, Bottleneck):
            raise TypeError(f"step {index} is no bottleneck")
        x = block(f"block{index}", step, x)
    nodes.append(helper.make_node("Identity", [x], [OUTPUT], name=OUTPUT))
    graph = helper.make_graph(
        nodes,
        "resnet",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", net.out_channels, "rows", "columns"])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    made: bytes = model.SerializeToString()
    return made
