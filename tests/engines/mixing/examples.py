"""What contracts are tried on: few probes, since each of them goes through all rows."""

from engines.mixing.spec import AskedParams, MixingParams

EXAMPLES = {AskedParams: {"probes": 2}, MixingParams: {"probes": 2}}
