"""The page "Draw boxes": a person's own boxes on photos, to train on."""
