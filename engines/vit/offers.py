"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.vit.weights:MODELS",
    "stills": "engines.vit.stills:Camera",
    "families": "engines.vit.weights:FAMILIES",
    "mixing": "engines.vit.mixing:load",
    "backbone": "engines.vit.backbone:load",
    "feature_map": "engines.vit.backbone:load",
    "layer_maps": "engines.vit.backbone:load",
    "reasons": "engines.vit.reasons:load",
    "studies": "engines.vit.studies:KINDS",
}
