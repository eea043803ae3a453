"""What the contracts are tried on: few scenes to measure a training on."""

from __future__ import annotations

from typing import Any

from engines.core.params import Params

FEW = {"engines.data.detector_pictures.VALIDATION": 8, "engines.data.detector_pictures.WATCHED": 3}
EXAMPLES: dict[type[Params], dict[str, Any]] = {}
