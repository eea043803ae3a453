"""The page "Detect": where the decoder looks."""
