"""The page "Training": an RT-DETR learns while it is watched."""
