"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "backbone": "engines.resnest.backbone:load",
    "layer_maps": "engines.resnest.backbone:load",
    "models": "engines.resnest.weights:MODELS",
    "families": "engines.resnest.weights:FAMILIES",
    "mixing": "engines.resnest.mixing:load",
}
