"""The twelve numbers of COCO, and each class."""
