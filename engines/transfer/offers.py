"""What this topic has for others; see `engines.core.offers`."""

OFFERS = {"studies": "engines.transfer.feature_study.study:KINDS"}
