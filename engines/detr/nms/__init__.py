"""Non-maximum suppression: what DETR does without."""
