"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {"backbone": "engines.moco.backbone:load", "mixing": "engines.moco.mixing:load"}
