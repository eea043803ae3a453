"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported."""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

_COCO = "91 classes of COCO."

TRAINED_FAMILY = "attention-lab-detr"  #: of the folders that `engines.detr.saved` writes
#: ``model_type`` of the folders that `engines.detr.checkpoint` reads.
FAMILIES = ("detr", TRAINED_FAMILY)

REAL = "facebook/detr-resnet-50"

MODELS = (
    KnownModel(REAL, "DETR ResNet-50", "hub", 167, _COCO, "Apache-2.0"),
    KnownModel("facebook/detr-resnet-101", "DETR ResNet-101", "hub", 243, _COCO, "Apache-2.0"),
)
