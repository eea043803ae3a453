"""What the contracts are tried on: small runs."""

from __future__ import annotations

from typing import Any

from engines.core.params import Params
from engines.rt_detr.training.spec import RtDetrTraining

EXAMPLES: dict[type[Params], dict[str, Any]] = {RtDetrTraining: {"batch": 2}}
