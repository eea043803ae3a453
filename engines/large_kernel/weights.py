"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported.

Those of RepLKNet, SLaK and UniRepLKNet are to be had as pickles only, and a pickle is never read.
"""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

_IMAGENET = "1,000 classes of ImageNet."
_NUMBERED = "1,000 classes of ImageNet, by their numbers."

READ = ("convnext", "timm/convnext")  #: families whose weights are read
SECOND = ("convnextv2", "timm/convnextv2")  #: another network, refused by its name
FAMILIES = (*READ, *SECOND)

MODELS = (
    KnownModel("timm/convnext_atto.d2_in1k", "ConvNeXt-A (timm)", "hub", 15, _NUMBERED, "Apache-2.0", classes=1000),
    KnownModel("facebook/convnext-tiny-224", "ConvNeXt-T", "hub", 114, _IMAGENET, "Apache-2.0", classes=1000),
    KnownModel("timm/convnext_tiny.fb_in1k", "ConvNeXt-T (timm)", "hub", 114, _NUMBERED, "Apache-2.0", classes=1000),
)
