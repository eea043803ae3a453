"""Ways to compute the backbone of a real DETR, which takes nearly all of its time."""
