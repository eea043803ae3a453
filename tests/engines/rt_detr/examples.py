"""What the contracts are tried on: small runs, and few scenes to measure on."""

from __future__ import annotations

from typing import Any

from engines.core.params import Params
from engines.rt_detr.training.spec import RtDetrTraining

#: Two batches of the one, a telling in between of the other.
FEW = {"engines.rt_detr.survey.SCENES": 20, "engines.rt_detr.side_by_side.contest.SCENES": 12}
EXAMPLES: dict[type[Params], dict[str, Any]] = {RtDetrTraining: {"batch": 2}}
