"""The page "Intervene": patches masked, heads switched off."""
