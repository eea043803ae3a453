"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.mamba.weights:MODELS",
    "families": "engines.mamba.weights:FAMILIES",
    "mixing": "engines.mamba.mixing:load",
}
