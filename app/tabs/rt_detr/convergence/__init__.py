"""The page "Convergence": RT-DETR with and without denoising queries, and other detectors beside it."""
