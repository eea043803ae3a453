"""The page "Real": a Mamba that knows words, on a text of one's own."""
