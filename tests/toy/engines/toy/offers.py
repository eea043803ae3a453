"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.toy.weights:MODELS",
    "families": "engines.toy.weights:FAMILIES",
    "backbone": "engines.toy.backbone:load",
}
