"""A scene to draw, and what the model finds in it."""
