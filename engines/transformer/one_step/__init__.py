"""The page "One step": a training step taken apart, and what warm-up is for."""
