"""A picture with its boxes, the curve, the list, the confusion matrix."""
