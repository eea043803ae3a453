"""The page "Class target": is a matched class asked for 1 or for the IoU of its box, and what follows from it."""
