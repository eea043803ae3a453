"""The page "Side by side": one picture, three detectors."""
