"""Random models of full size, made and saved by transformers, and the same read by the project."""

from __future__ import annotations

import atexit
import gc
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

VIT_B = MappingProxyType({"num_labels": 1000})  # transformers' defaults are ViT-B/16 at 224
DETR_R50 = MappingProxyType({"num_labels": 91})  # and DETR's own
#: PekingU/rtdetr_r18vd
RT_DETR_R18 = MappingProxyType({"num_labels": 80, "decoder_layers": 3, "hidden_expansion": 0.5,
                                "encoder_in_channels": [128, 256, 512]})  # fmt: skip
RESNET_18VD: Mapping[str, Any] = MappingProxyType(
    {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512],
     "out_features": ["stage2", "stage3", "stage4"]}
)  # fmt: skip
RESNET_50: Mapping[str, Any] = MappingProxyType({"out_features": ["stage4"]})


@dataclass(frozen=True)
class Reference:
    """A model of transformers (sdpa, fp32, eval) and the folder it was saved in."""

    net: nn.Module
    folder: Path


@cache
def _transformers() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def version() -> str:
    """Of transformers."""
    found: str = _transformers().__version__
    return found


def make_vit(folder: Path, **size: Any) -> Reference:
    """A ViT with a head."""
    lib = _transformers()
    torch.manual_seed(0)
    config = lib.ViTConfig(**(size or VIT_B), attn_implementation="sdpa")
    return _saved(lib.ViTForImageClassification(config), folder)


def make_detr(folder: Path, backbone: Mapping[str, Any] = RESNET_50, **size: Any) -> Reference:
    """A DETR on transformers' own ResNet."""
    lib = _transformers()
    torch.manual_seed(0)
    config = lib.DetrConfig(
        use_timm_backbone=False,
        backbone=None,
        backbone_config=lib.ResNetConfig(**backbone),
        attn_implementation={"": "sdpa", "backbone_config": "eager"},  # a ResNet has no attention
        **(size or DETR_R50),
    )
    net = lib.DetrForObjectDetection(config)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(1, 3)  # random blocks double what they get: keep 16 of them in a row within bounds
            elif name.endswith("running_mean"):
                tensor.normal_(0, 0.1)
    return _saved(net, folder)


def make_rt_detr(folder: Path, backbone: Mapping[str, Any] = RESNET_18VD, **size: Any) -> Reference:
    """An RT-DETR with heads that tell its queries apart: as transformers makes it, all scores tie and no box moves."""
    lib = _transformers()
    torch.manual_seed(0)
    config = lib.RTDetrConfig(
        backbone_config=lib.RTDetrResNetConfig(**backbone),
        attn_implementation={"": "sdpa", "backbone_config": "eager"},  # a ResNet has no attention
        **(size or RT_DETR_R18),
    )
    net = lib.RTDetrForObjectDetection(config)
    heads = "class_embed", "enc_score_head", "bbox_embed", "enc_bbox_head"
    for name, layer in net.named_modules():
        if isinstance(layer, nn.Linear) and any(head in name for head in heads):
            nn.init.xavier_normal_(layer.weight, 0.1 if layer.out_features == 4 else 1.0)  # boxes move little
            nn.init.constant_(layer.bias, -1.0 if layer.out_features == config.num_labels else 0.0)
    return _saved(net, folder)


def _saved(net: Any, folder: Path) -> Reference:
    net.eval().requires_grad_(False)
    net.save_pretrained(folder)
    gc.collect()
    gc.freeze()  # what the reference brought along is not to slow down the window's garbage collection
    return Reference(net, folder)


@cache
def scratch() -> Path:
    """A folder that goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="attention-lab-bench-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def vit_b() -> Reference:
    """ViT-B/16."""
    return make_vit(scratch() / "vit-b")


@cache
def detr_r50() -> Reference:
    """DETR-R50."""
    return make_detr(scratch() / "detr-r50")


@cache
def rt_detr_r18() -> Reference:
    """RT-DETR-R18."""
    return make_rt_detr(scratch() / "rt-detr-r18")


def detr_processor() -> Any:
    """What makes DETR's pixels of a picture, and detections of its answer."""
    from transformers.models.detr.image_processing_pil_detr import DetrImageProcessorPil

    return DetrImageProcessorPil()
