"""Answers the page "Vision": gradients and changes of a random net, whose zeros are its architecture's doing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engines.core.memo import Memo
from engines.core.pictures import Picture
from engines.core.protocol import Event, Job
from engines.data.samples import sample
from engines.mamba.vision.model import VisionConfig, VisionMamba
from engines.mamba.vision.paths import orders, reaches
from engines.mamba.vision.spec import COUNTS, Floats, OfVision, Seen, VisionFrame

PATCH = 8  # pixels


class Engine:
    """Yields the photo, then one `VisionFrame`."""

    def __init__(self) -> None:
        self._samples: Memo[Picture] = Memo()
        self._photos: Memo[Seen] = Memo()
        self._nets: Memo[VisionMamba] = Memo()
        self._patches: Memo[Tensor] = Memo()

    def run(self, job: Job[OfVision]) -> Iterator[Event]:
        """Answer as ``job.params`` ask for."""
        params = job.params.following(job.params)
        picture = params.picture or self._samples.get(None, sample)
        yield self._photos.get(picture, lambda: Seen(picture.name, picture.rgb))
        count = COUNTS[params.directions]
        config = VisionConfig(params.side, PATCH, layers=params.layers, directions=count)
        net = self._nets.get((config, params.seed), lambda: made(config, params.seed))
        x = self._patches.get((picture, config, params.seed), lambda: patches(net, picture))
        at = params.patch[0] * params.side + params.patch[1]
        grid = params.side, params.side
        to, of = to_patch(net, x, at).reshape(grid), of_patch(net, x, at).reshape(grid)
        can = reaches(*grid, count, params.layers)[at]
        when = orders(*grid, count).argsort(-1).reshape(count, *grid).astype(np.float32)
        yield VisionFrame(
            params.patch, count, params.layers, to, of, int((to > 0).sum()), int((of > 0).sum()), int(can.sum()), when
        )


def made(config: VisionConfig, seed: int) -> VisionMamba:
    """A net that has learned nothing, in double precision: small differences are no rounding."""
    return VisionMamba(config, seed).double().eval().requires_grad_(False)


@torch.no_grad()
def patches(net: VisionMamba, picture: Picture) -> Tensor:
    """The patches of a picture, squeezed to as many pixels as the net takes, (1, P, width)."""
    return net.patches(pixels(picture.rgb, net.config.side * net.config.patch).double())


def pixels(rgb: np.ndarray, side: int) -> Tensor:
    """A picture (h, w, 3) squeezed to a square, (1, 3, side, side), −1 to 1."""
    small = np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return torch.from_numpy(small / 127.5 - 1).permute(2, 0, 1)[None].contiguous()


def to_patch(net: VisionMamba, x: Tensor, at: int) -> Floats:
    """‖∂y / ∂x‖ of a patch's output to every input, (P,): one pass for all numbers of the output.

    Parameters
    ----------
    net : VisionMamba
    x : Tensor (1, P, width)
    at : int
        The patch.
    """
    width = x.shape[-1]
    copies = x.expand(width, -1, -1).clone().requires_grad_(True)
    out = net.mix(copies)[:, at].diagonal().sum()
    (found,) = torch.autograd.grad(out, copies)
    norms: Floats = found.square().sum((0, 2)).sqrt().float().numpy()
    return norms


@torch.no_grad()
def of_patch(net: VisionMamba, x: Tensor, at: int) -> Floats:
    """How much every output changes with a patch's input, (P,), over the size of that change; x (1, P, width)."""
    change = torch.randn(x.shape[-1], generator=torch.Generator().manual_seed(at)).to(x) * x[0, at].norm() * 0.1
    both = x.repeat(2, 1, 1)
    both[1, at] += change
    out = net.mix(both)
    moved: Floats = ((out[1] - out[0]).norm(dim=-1) / change.norm()).float().numpy()
    return moved
