"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.swin.weights:MODELS",
    "families": "engines.swin.weights:FAMILIES",
    "mixing": "engines.swin.mixing:load",
    "backbone": "engines.swin.backbone:load",
    "layer_maps": "engines.swin.backbone:load",
}
