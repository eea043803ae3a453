"""What the parts of a residual stream are called; no torch, since pages say them, too."""

ATTENTION, FFN, EMBEDDING, POSITIONS, BIAS = "attention", "ffn", "embedding", "positions", "bias"
KIND, OF_TEXT = "reasons", "text_reasons"  #: of `engines.core.offers`: see `engines.blocks.reasons`
#: What a model answers with: pieces of a sequence, classes, a direction of its own, the next piece, cosines.
TOKENS, CLASSES, DIRECTION, NEXT, SENTENCE = "tokens", "classes", "direction", "next", "sentence"
