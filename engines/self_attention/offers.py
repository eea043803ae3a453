"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.self_attention.language.weights:MODELS",
    "families": "engines.self_attention.language.weights:FAMILIES",
    "text_reasons": "engines.self_attention.language.reasons:load",
}
