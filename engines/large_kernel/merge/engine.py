"""Answers the page "Merge": branches as torch's own modules compute them, beside the kernel they are merged into."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.data.samples import sample
from engines.large_kernel.convolution import correlate, depthwise
from engines.large_kernel.merge.spec import SQUARE, MergeFrame, MergeParams
from engines.large_kernel.merging import centered, dilated_to_dense, fuse_batch_norm, merge_branches

CHANNELS, SIDE = 8, 56
SEED = 0


class Branch(nn.Module):
    """A depthwise kernel and the batch norm behind it.

    Parameters
    ----------
    rows, cols : int
        Cells of the kernel.
    dilation : int
    generator : torch.Generator
    """

    def __init__(self, rows: int, cols: int, dilation: int, generator: torch.Generator) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = torch.randn(CHANNELS, 1, rows, cols, generator=generator) / (rows * cols) ** 0.5
        self.norm = nn.BatchNorm2d(CHANNELS).eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        rows, cols = self.weight.shape[2:]
        if self.dilation == 1:
            seen = correlate(x, self.weight, (rows // 2, cols // 2))
        else:
            padding = self.dilation * (rows // 2), self.dilation * (cols // 2)
            seen = F.conv2d(x, self.weight, None, 1, padding, self.dilation, CHANNELS)
        said: Tensor = self.norm(seen)
        return said

    def fused(self) -> tuple[Tensor, Tensor]:
        """The kernel (C, 1, k, k), zeros written out, and the bias (C,) that say the same."""
        norm = self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        table = torch.stack([norm.weight, norm.bias, norm.running_mean, norm.running_var])
        weight, bias = fuse_batch_norm(self.weight, table, norm.eps)
        return dilated_to_dense(weight, self.dilation), bias


class Engine:
    """Yields one `MergeFrame`."""

    def __init__(self) -> None:
        self._map: Memo[Tensor] = Memo()

    def run(self, job: Job[MergeParams]) -> Iterator[Event]:
        """Merge as ``job.params`` ask for."""
        params = job.params.following(job.params)
        yield merged(params, self._map.get(None, photo_map))


@torch.inference_mode()
def photo_map() -> Tensor:
    """The colors of a sample photo mixed into channels, (1, C, side, side)."""
    picture = Image.fromarray(sample().rgb).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    colors = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 127.5 - 1  # (3, side, side)
    mix = torch.randn(CHANNELS, 3, generator=torch.Generator().manual_seed(SEED))
    return torch.einsum("cr,rhw->chw", mix, colors)[None]


def branches(params: MergeParams) -> list[Branch]:
    """The branches that the settings ask for, the small one last."""
    generator = torch.Generator().manual_seed(SEED)
    large, small = params.large, params.small
    sizes = [(large, large)] if params.shape == SQUARE else [(large, small), (small, large)]
    made = [Branch(*size, 1, generator) for size in sizes]
    last = Branch(small, small, params.dilation, generator)
    for name, value in (("weight", params.weight), ("bias", params.bias), ("running_mean", params.mean),
                        ("running_var", params.variance)):  # fmt: skip
        getattr(last.norm, name).fill_(value)
    return [*made, last]


@torch.inference_mode()
def merged(params: MergeParams, x: Tensor) -> MergeFrame:
    """What the branches say of a map (1, C, h, w), and what the merged kernel says."""
    made = branches(params)
    said = torch.stack([branch(x) for branch in made]).sum(0)
    fused = [branch.fused() for branch in made]
    size = (params.large, params.large)
    off = (1, 0) if params.off else (0, 0)
    if params.shape == SQUARE:
        kernel, bias = merge_branches(fused, off)
    else:  # the mistake is that of the small branch alone
        cross, both = merge_branches(fused[:2])
        kernel, bias = merge_branches([(cross, both), fused[2]], off)
    answer = depthwise(x, kernel, bias)
    kernels = [centered(one, size, off if index == len(fused) - 1 else (0, 0)) for index, (one, _) in enumerate(fused)]
    return MergeFrame(
        tuple((one.shape[2], one.shape[3]) for one, _ in fused),
        torch.stack([*kernels, kernel])[:, 0, 0].numpy(),
        tuple(float(one[0]) for one in (*(b for _, b in fused), bias)),
        said[0, 0].numpy(),
        answer[0, 0].numpy(),
        (answer - said).abs().amax((0, 1)).numpy(),
        float(said.abs().max()),
        (sum(branch.weight[0].numel() for branch in made), int((kernel[0] != 0).sum())),
    )
