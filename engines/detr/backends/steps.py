"""The backbone in other backends than float32: bfloat16, or exported to a program for inference.

Nearly all of a real DETR's time goes into its ResNet. The Transformer stays where it is, in float32, so that its
attention can be read and is exactly what the model used. Which backend is quickest depends on the processor
(bfloat16 pays where matrix units have it and costs where it is only known), so it is tried out on the machine itself.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from engines.blocks.backends import BACKENDS, BFLOAT16, FLOAT32, ONNX, OPENVINO, OPENVINO_BF16
from engines.blocks.choosing import PACKAGES, SMALL, Choosing, missing
from engines.blocks.resnet import ResNet
from engines.core.errors import Message
from engines.detr.backends.resnet_graph import INPUT, resnet_graph
from engines.detr.features import FrozenFeatures
from engines.detr.model import Detr, Memory
from engines.detr.stages import Encoding

Step: TypeAlias = Callable[[Tensor], Tensor]
Steps: TypeAlias = tuple[Step, ...]

TRIAL = (256, 320)  # pixels of the small picture that backends are tried with


def float32_steps(model: Detr) -> Steps:
    """The backbone as it is, a block at a time."""
    return model.backbone.begin, *model.backbone.steps()


def bfloat16_steps(model: Detr) -> Steps:
    """A copy of the backbone with half the bits; what comes out is float32 again."""
    half = copy.deepcopy(model.backbone).to(torch.bfloat16)

    def begin(pixels: Tensor) -> Tensor:
        return half.begin(pixels.to(torch.bfloat16))

    return begin, *half.steps(), lambda x: x.float()


def onnx_steps(model: Detr) -> Steps:
    """The exported graph on ONNX Runtime."""
    runtime = importlib.import_module(PACKAGES[ONNX])
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(graph_of(model), options, providers=["CPUExecutionProvider"])

    def run(pixels: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {INPUT: np.ascontiguousarray(pixels.numpy())})[0])

    return (run,)


def openvino_steps(model: Detr, precision: str = "f32") -> Steps:
    """The exported graph on OpenVINO, computing in ``f32`` or ``bf16``."""
    program = importlib.import_module(PACKAGES[OPENVINO])
    core = program.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
    request = core.compile_model(core.read_model(graph_of(model)), "CPU", settings).create_infer_request()

    def run(pixels: Tensor) -> Tensor:
        found = request.infer({INPUT: np.ascontiguousarray(pixels.numpy())})
        return torch.from_numpy(np.array(next(iter(found.values()))))

    return (run,)


MAKERS: dict[str, Callable[[Detr], Steps]] = {
    FLOAT32: float32_steps,
    BFLOAT16: bfloat16_steps,
    ONNX: onnx_steps,
    OPENVINO: openvino_steps,
    OPENVINO_BF16: lambda model: openvino_steps(model, "bf16"),
}


def graph_of(model: Detr) -> bytes:
    """The backbone as an ONNX graph."""
    assert isinstance(model.backbone, ResNet)
    return resnet_graph(model.backbone)


def obstacle(backend: str, model: Detr, device: torch.device) -> Message | None:
    """Why a backend is not to be had for this model on this machine; None if it is."""
    if backend == FLOAT32:
        return None
    if isinstance(model.backbone, FrozenFeatures):
        return Message("The backbone of this model is a ViT, which always runs in float32.")
    if not isinstance(model.backbone, ResNet):
        return SMALL
    why = missing(backend, device)
    if why is None and backend in PACKAGES and any(isinstance(p, nn.BatchNorm2d) for p in model.backbone.modules()):
        return Message("This backbone can't be exported.")
    return why


class Backends(Choosing[Steps, Encoding]):
    """The backends of one model's backbone: a tensor (1, 3, H, W) through all steps of one gives the features."""

    def __init__(self, model: Detr, device: torch.device) -> None:
        super().__init__(float32_steps(model), BACKENDS)
        self.model, self.device = model, device

    def obstacle(self, backend: str) -> Message | None:
        """As the function of this name."""
        return obstacle(backend, self.model, self.device)

    def make(self, backend: str) -> Steps:
        """All steps of the backbone."""
        return MAKERS[backend](self.model)

    def go(self, way: Steps) -> Tensor:
        """Features (1, C, h, w) of a small picture."""
        pixels = torch.zeros(1, 3, *TRIAL, device=self.device).to(memory_format=torch.channels_last)
        return through(way, pixels)

    def difference(self, fast: Encoding, plain: Encoding) -> tuple[float, float, float]:
        """As the function of this name."""
        return difference(self.model, fast.memory, plain.memory)


def through(steps: Steps, x: Tensor) -> Tensor:
    """One step after the other, from pixels (1, 3, H, W) to features (1, C, h, w); the input is left as it is."""
    for step in steps:
        x = step(x)
    return x


@torch.inference_mode()
def difference(model: Detr, fast: Memory, plain: Memory) -> tuple[float, float, float]:
    """Largest difference of logits, probabilities and boxes (shares of the sides) of two memories of one picture."""
    logits, boxes = [], []
    for memory in (fast, plain):
        state = model.decode(memory).states[-1]
        logits.append(model.class_head(state))
        boxes.append(model.box_head(state))
    probabilities = [one.softmax(-1) for one in logits]
    apart = [float((one[0] - one[1]).abs().max()) for one in (logits, probabilities, boxes)]
    return apart[0], apart[1], apart[2]
