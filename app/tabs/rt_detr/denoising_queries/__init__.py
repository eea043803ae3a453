"""The page "Denoising queries": noised copies of the objects, and the mask that keeps their groups apart."""
