"""What contracts are tried on: small graphs."""

from engines.gnn.equalities.spec import EqualitiesParams

EXAMPLES = {EqualitiesParams: {"nodes": 25, "layers": 1}}
