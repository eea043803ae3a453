"""What the parts of a residual stream are called; no torch, since pages say them, too."""

ATTENTION, FFN, EMBEDDING, POSITIONS, BIAS = "attention", "ffn", "embedding", "positions", "bias"
KIND = "reasons"  #: of `engines.core.offers`: see `engines.blocks.reasons`
