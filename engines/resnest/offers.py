"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.resnest.weights:MODELS",
    "families": "engines.resnest.weights:FAMILIES",
}
