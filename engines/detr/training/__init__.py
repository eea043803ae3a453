"""Training a DETR: live runs that are watched, and how the bundled weights were made."""
