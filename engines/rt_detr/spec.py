"""Settings of the RT-DETR tab that its pages on a picture share. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engines.rt_detr.detect.spec import DetectParams
from engines.rt_detr.hybrid_encoder.spec import HybridParams
from engines.rt_detr.selection.spec import SelectionParams
from engines.rt_detr.side_by_side.spec import SideParams


@dataclass(frozen=True)
class RtDetrParams(DetectParams, SelectionParams, HybridParams, SideParams):
    """Settings of the pages on a picture: one model and one picture for all."""
