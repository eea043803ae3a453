"""What a layer of self-attention costs beside a convolution and a recurrence."""
