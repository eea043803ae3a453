"""The page "Training": a DETR learns while it is watched."""
