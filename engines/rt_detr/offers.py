"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {"models": "engines.rt_detr.weights:MODELS", "families": "engines.rt_detr.weights:FAMILIES"}
