"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported."""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

_COCO = "80 classes of COCO."

TRAINED_FAMILY = "attention-lab-rt-detr"  #: of the folders that `engines.rt_detr.saved` writes
READ = ("rt_detr", "rt_detr_v2")  #: families whose weights are read
OTHERS = {"d_fine": "D-FINE", "rf_detr": "RF-DETR", "deimv2": "DEIMv2"}  #: other decoders, refused by their names
FAMILIES = (*READ, *OTHERS, TRAINED_FAMILY)

REAL = "PekingU/rtdetr_r18vd"

MODELS = (
    KnownModel(REAL, "RT-DETR R18", "hub", 81, _COCO, "Apache-2.0", classes=80),
    KnownModel("PekingU/rtdetr_r50vd", "RT-DETR R50", "hub", 172, _COCO, "Apache-2.0", classes=80),
    KnownModel("PekingU/rtdetr_v2_r18vd", "RT-DETRv2 R18", "hub", 81, _COCO, "Apache-2.0", classes=80),
)
