"""The page "What a layer can't tell": graphs that look alike to any message passing."""
