"""Large kernels: what a net's field really is, kernels merged into one, and a depthwise convolution that keeps up.

The names below are loaded when first asked for, so that importing a spec does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.large_kernel.convnext import ConvNeXt as ConvNeXt
    from engines.large_kernel.convnext import ConvNeXtConfig as ConvNeXtConfig
    from engines.large_kernel.convolution import depthwise as depthwise
    from engines.large_kernel.load import load_checkpoint as load_checkpoint
    from engines.large_kernel.merging import dilated_to_dense as dilated_to_dense
    from engines.large_kernel.merging import fuse_batch_norm as fuse_batch_norm
    from engines.large_kernel.merging import merge_branches as merge_branches
    from engines.large_kernel.merging import reparameterize as reparameterize
    from engines.large_kernel.receptive_field import effective_receptive_field as effective_receptive_field
    from engines.large_kernel.receptive_field import law as law

__getattr__, __dir__ = public(__name__)
