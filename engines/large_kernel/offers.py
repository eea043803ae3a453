"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.large_kernel.weights:MODELS",
    "families": "engines.large_kernel.weights:FAMILIES",
    "backbone": "engines.large_kernel.backbone:load",
    "mixing": "engines.large_kernel.mixing:load",
    "layer_maps": "engines.large_kernel.backbone:load",
}
