"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {
    "models": "engines.detr.weights:MODELS",
    "stills": "engines.detr.stills:Camera",
    "detector": "engines.detr.detector:load",
    "families": "engines.detr.weights:FAMILIES",
    "learner": "engines.detr.training.learner:DetrLearner",
}
