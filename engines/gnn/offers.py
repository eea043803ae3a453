"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {"mixing": "engines.gnn.mixing:load"}
