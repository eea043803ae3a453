"""The backbone in other backends than float32: bfloat16, or exported to a program for inference.

Nearly all of a real DETR's time goes into its ResNet. The Transformer stays where it is, in float32, so that its
attention can be read and is exactly what the model used. Which backend is quickest depends on the processor
(bfloat16 pays where matrix units have it and costs where it is only known), so it is tried out on the machine itself.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from engines.blocks.resnet import ResNet
from engines.core.errors import Message
from engines.detr.backends.resnet_graph import INPUT, resnet_graph
from engines.detr.backends.spec import BACKENDS, BFLOAT16, FASTEST, FLOAT32, ONNX, OPENVINO, OPENVINO_BF16, Computed
from engines.detr.features import FrozenFeatures
from engines.detr.model import Detr, Memory
from engines.detr.stages import Encoding

Step: TypeAlias = Callable[[Tensor], Tensor]
Steps: TypeAlias = tuple[Step, ...]

TRIAL = (256, 320)  # pixels of the small picture that backends are tried with
PACKAGES = {ONNX: "onnxruntime", OPENVINO: "openvino", OPENVINO_BF16: "openvino"}


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


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor computes in bfloat16 by itself."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return device.type == "cpu" and torch.backends.mkldnn.is_available() and known is not None and bool(known())


def obstacle(backend: str, model: Detr, device: torch.device) -> Message | None:
    """Why a backend is not to be had for this model on this machine; None if it is."""
    if backend == FLOAT32:
        return None
    if isinstance(model.backbone, FrozenFeatures):
        return Message("The backbone of this model is a ViT, which always runs in float32.")
    if not isinstance(model.backbone, ResNet):
        return Message("This model is small and always runs in float32.")
    if backend in PACKAGES and device.type != "cpu":
        return Message("{backend} runs on the CPU only.", {"backend": Message(backend)})
    if backend in PACKAGES and importlib.util.find_spec(PACKAGES[backend]) is None:
        return Message(
            '{backend} is not installed; the optional extra "fast" includes it.', {"backend": Message(backend)}
        )
    if backend in (BFLOAT16, OPENVINO_BF16) and not has_bfloat16(device):
        return Message("This CPU does not support bfloat16.")
    if backend in PACKAGES and any(isinstance(part, nn.BatchNorm2d) for part in model.backbone.modules()):
        return Message("This backbone can't be exported.")
    return None


class Backends:
    """The backends of one model, each made when first used.

    Only one is kept: the one chosen, or while they are timed the quickest so far (to make it once more would take
    seconds, with no place to stop).
    """

    def __init__(self, model: Detr, device: torch.device) -> None:
        self.model, self.device = model, device
        self.tried: dict[str, float] = {}  # milliseconds
        self.compared: dict[str, Computed] = {}
        self._made: tuple[str, Steps] = (FLOAT32, float32_steps(model))

    def to_try(self) -> list[str]:
        """What is still to be tried before the fastest is known; nothing where there is no choice."""
        there = [backend for backend in BACKENDS if obstacle(backend, self.model, self.device) is None]
        return [backend for backend in there if backend not in self.tried] if len(there) > 1 else []

    def choose(self, asked: str) -> tuple[str, Message | None]:
        """The backend to use, and why if it is another one than asked for."""
        if asked == FASTEST:
            good = [backend for backend in self.tried if backend not in self.compared or self.compared[backend].good]
            return min(good, key=self.tried.__getitem__, default=FLOAT32), None
        why = obstacle(asked, self.model, self.device)
        return (asked, None) if why is None else (FLOAT32, why)

    def steps(self, backend: str) -> Steps:
        """The backbone on this backend: a tensor (1, 3, H, W) through all of them gives the features."""
        if backend == FLOAT32:
            return float32_steps(self.model)
        if self._made[0] != backend:
            self._made = (FLOAT32, ())  # gone before the new one is made
            self._made = (backend, MAKERS[backend](self.model))
        return self._made[1]

    @torch.inference_mode()
    def attempt(self, backend: str) -> float:
        """Milliseconds for a small picture: the better of two goes after one that does not count."""
        steps, spent = self._made[1] if self._made[0] == backend else MAKERS[backend](self.model), []
        pixels = torch.zeros(1, 3, *TRIAL, device=self.device).to(memory_format=torch.channels_last)
        for _ in range(3):
            began = time.perf_counter()
            through(steps, pixels).sum().item()  # waits for a device that works on by itself
            spent.append(time.perf_counter() - began)
        self.tried[backend] = 1000 * min(spent[1:])
        if self.choose(FASTEST)[0] == backend:
            self._made = (backend, steps)
        return self.tried[backend]

    def compare(self, backend: str, fast: Encoding, plain: Encoding, name: str) -> None:
        """Keep how far a picture, named ``name``, encoded on this backend is from the same in float32."""
        apart = difference(self.model, fast.memory, plain.memory)
        self.compared[backend] = Computed(
            backend, backend, None, (), 1000 * fast.seconds, 1000 * plain.seconds, *apart, name
        )

    def computed(self, asked: str, used: str, why: Message | None, seconds: float) -> Computed:
        """What is told of a picture that was computed."""
        known = self.compared.get(used, Computed(asked, used))
        order = tuple(sorted(((backend, round(ms, 1)) for backend, ms in self.tried.items()), key=lambda pair: pair[1]))
        return Computed(asked, used, why, order, 1000 * seconds, known.reference, known.logits, known.probabilities,
                        known.boxes, known.name)  # fmt: skip


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
