"""ResNet with bottlenecks (He et al. 2015; stride in the 3 x 3 convolution, "v1.5"), with frozen batch norm.

Modules are named as timm and torchvision name them. For inference `fold` puts each batch norm into its convolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: oneDNN's fused convolutions are internal to torch, so they are used where they are there and not missed elsewhere
FUSED = torch.backends.mkldnn.is_available() and all(
    hasattr(torch.ops.mkldnn, name) for name in ("_convolution_pointwise", "_convolution_pointwise_")
)


class FrozenBatchNorm(nn.Module):
    """Batch norm with fixed statistics and fixed scale: an affine map per channel."""

    EPS = 1e-5

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight: Tensor
        self.bias: Tensor
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def affine(self) -> tuple[Tensor, Tensor]:
        """Scale (C,) and shift (C,)."""
        scale = self.weight * (self.running_var + self.EPS).rsqrt()
        return scale, self.bias - self.running_mean * scale

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) -> (B, C, h, w)."""
        scale, shift = self.affine()
        return x * scale[:, None, None] + shift[:, None, None]


class Bottleneck(nn.Module):
    """1 x 1 down, 3 x 3, 1 x 1 up, with a way around them."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        inner = after // 4
        self.conv1, self.bn1 = nn.Conv2d(before, inner, 1, bias=False), norm(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), norm(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, after, 1, bias=False), norm(after)
        changes = stride != 1 or before != after
        self.downsample = (
            nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), norm(after)) if changes else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride); may write into ``x``."""
        y = conv_relu(conv_relu(x, self.conv1, self.bn1), self.conv2, self.bn2)
        around = x if self.downsample is None else self.downsample(x)
        return conv_add_relu(y, self.conv3, self.bn3, around)


def norm(channels: int) -> nn.Module:
    """The norm after a convolution; `fold` replaces it by nothing."""
    return FrozenBatchNorm(channels)


class ResNet(nn.Module):
    """The features of the last stage.

    Parameters
    ----------
    widths : sequence of int
        Channels of each stage's output, for ResNet-50 256, 512, 1024, 2048.
    blocks : sequence of int
        Bottlenecks in each stage, for ResNet-50 3, 4, 6, 3.
    stem : int
        Channels after the 7 x 7 convolution.
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int], stem: int = 64) -> None:
        super().__init__()
        self.out_channels, self.stride = widths[-1], 2 ** (len(widths) + 1)
        self.conv1, self.bn1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False), norm(stem)
        self.depth = len(widths)
        before = stem
        for index, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            first = Bottleneck(before, width, stride=1 if index == 0 else 2)
            self.add_module(
                f"layer{index + 1}", nn.Sequential(first, *(Bottleneck(width, width, 1) for _ in range(1, count)))
            )
            before = width

    def begin(self, pixels: Tensor) -> Tensor:
        """Stem: pixels (B, 3, H, W) -> (B, stem, H / 4, W / 4)."""
        return F.max_pool2d(conv_relu(pixels, self.conv1, self.bn1), 3, 2, 1)

    def steps(self) -> list[nn.Module]:
        """The blocks in order, for callers that want to stop between them."""
        layers = [self.get_submodule(f"layer{index + 1}") for index in range(self.depth)]
        return [block for layer in layers for block in layer.children()]

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) -> features (B, C, H / 32, W / 32), rounded up."""
        x = self.begin(pixels)
        for step in self.steps():
            x = step(x)
        return x


def for_inference(module: nn.Module) -> None:
    """Fold the norms and store the weights of convolutions as the kernels like them, channels last."""
    fold(module)
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            last = child.weight.detach().to(memory_format=torch.channels_last)
            child.weight = nn.Parameter(last, requires_grad=False)


def can_fuse(x: Tensor, conv: nn.Conv2d) -> bool:
    """Whether oneDNN's kernels, which do the sum and the ReLU after a convolution in the same pass, take this one.

    ``x`` is (B, C, H, W).
    """
    return (
        FUSED
        and conv.bias is not None
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.bfloat16)
        and x.dtype == conv.weight.dtype
        and not (torch.is_grad_enabled() and (x.requires_grad or conv.weight.requires_grad))
        and x.numel() > 0
    )


def shape_of(conv: nn.Conv2d) -> tuple[list[int], list[int], list[int], int]:
    """Padding, stride, dilation and groups, as the kernels take them."""
    sides = conv.padding if isinstance(conv.padding, tuple) else (0, 0)
    return list(sides), list(conv.stride), list(conv.dilation), conv.groups


def conv_relu(x: Tensor, conv: nn.Conv2d, norm: nn.Module) -> Tensor:
    """Convolution, norm, ReLU of (B, C, h, w); in one pass where the norm is folded and the kernel is there."""
    if isinstance(norm, nn.Identity) and can_fuse(x, conv):
        out: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, conv.weight, conv.bias, *shape_of(conv), "relu", [], ""
        )
        return out
    return F.relu(norm(conv(x)), inplace=True)


def conv_add_relu(x: Tensor, conv: nn.Conv2d, norm: nn.Module, around: Tensor) -> Tensor:
    """Convolution and norm of (B, C, h, w), plus ``around``, ReLU; may write into ``around``, shaped as the result."""
    if isinstance(norm, nn.Identity) and can_fuse(x, conv):
        out: Tensor = torch.ops.mkldnn._convolution_pointwise_(
            around, x, conv.weight, conv.bias, *shape_of(conv), "add", 1.0, "relu", [], ""
        )
        return out
    return F.relu(norm(conv(x)).add_(around), inplace=True)


@torch.no_grad()
def fold(module: nn.Module) -> None:
    """Put each batch norm (frozen, or in eval mode) into the convolution before it, in place.

    Convolution and norm are either neighbors in an ``nn.Sequential`` or attributes ``conv<n>`` and ``bn<n>``.
    """
    for parent in list(module.modules()):
        names = list(parent._modules)
        for name in names:
            child = parent._modules[name]
            if not isinstance(child, FrozenBatchNorm | nn.BatchNorm2d):
                continue
            before = f"conv{name[2:]}" if name.startswith("bn") else names[names.index(name) - 1]
            conv = parent._modules[before]
            if not isinstance(conv, nn.Conv2d):
                raise TypeError(f"{before} before the norm {name} is no convolution")
            if isinstance(child, FrozenBatchNorm):
                scale, shift = child.affine()
            else:
                mean, var = child.running_mean, child.running_var
                if mean is None or var is None:
                    raise TypeError(f"the norm {name} keeps no statistics")
                scale = child.weight * (var + child.eps).rsqrt()
                shift = child.bias - mean * scale
            conv.weight = nn.Parameter(conv.weight * scale[:, None, None, None], requires_grad=False)
            conv.bias = nn.Parameter(shift if conv.bias is None else shift + conv.bias * scale, requires_grad=False)
            parent._modules[name] = nn.Identity()
