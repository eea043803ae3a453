"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported."""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

_IMAGENET = "1,000 classes of ImageNet."
_NUMBERED = "1,000 classes of ImageNet, by their numbers."

READ = ("swin", "timm/swin")  #: families whose weights are read
SECOND = ("swinv2", "timm/swinv2")  #: another network, refused by its name
FAMILIES = (*READ, *SECOND)

MODELS = (
    KnownModel("microsoft/swin-tiny-patch4-window7-224", "Swin-T", "hub", 113, _IMAGENET, "Apache-2.0", classes=1000),
    KnownModel("microsoft/swin-small-patch4-window7-224", "Swin-S", "hub", 199, _IMAGENET, "Apache-2.0", classes=1000),
    KnownModel(
        "timm/swin_tiny_patch4_window7_224.ms_in1k", "Swin-T (timm)", "hub", 114, _NUMBERED, "MIT", classes=1000
    ),
    KnownModel("timm/swin_s3_tiny_224.ms_in1k", "Swin-S3-T (timm)", "hub", 116, _NUMBERED, "MIT", classes=1000),
)
