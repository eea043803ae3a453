"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported."""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

READ = tuple(f"timm/resnest{name}" for name in ("14d", "26d", "50d", "101e", "200e", "269e"))
FAMILIES = READ

_PLAIN = "1,000 classes of ImageNet, by their numbers."
_ONE = "Radix 1: squeeze-and-excitation in 4 cardinal groups."
_FOUR = "Radix 4 in 2 cardinal groups."
_LICENSE = "Apache-2.0"

MODELS = (
    KnownModel("timm/resnest14d.gluon_in1k", "ResNeSt-14d", "hub", 43, _PLAIN, _LICENSE, classes=1000),
    KnownModel("timm/resnest26d.gluon_in1k", "ResNeSt-26d", "hub", 68, _PLAIN, _LICENSE, classes=1000),
    KnownModel("timm/resnest50d.in1k", "ResNeSt-50d", "hub", 110, _PLAIN, _LICENSE, classes=1000),
    KnownModel("timm/resnest50d_1s4x24d.in1k", "ResNeSt-50d 1s4x24d", "hub", 103, _ONE, _LICENSE, classes=1000),
    KnownModel("timm/resnest50d_4s2x40d.in1k", "ResNeSt-50d 4s2x40d", "hub", 122, _FOUR, _LICENSE, classes=1000),
)
