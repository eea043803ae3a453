"""The page "Cost": what a depthwise convolution takes on this machine, over the side of its kernels."""
