"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.detr.weights:MODELS",
    "families": "engines.detr.weights:FAMILIES",
}
