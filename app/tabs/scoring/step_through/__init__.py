"""From scores to the output, one step at a time."""
