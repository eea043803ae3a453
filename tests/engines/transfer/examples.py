"""What the contracts are tried on: few pictures of each class."""

from __future__ import annotations

from typing import Any

from engines.core.params import Params
from engines.transfer.spec import TransferParams

EXAMPLES: dict[type[Params], dict[str, Any]] = {TransferParams: {"max_per_class": 12}}
