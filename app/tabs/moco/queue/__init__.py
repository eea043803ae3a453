"""The run as it fills its queue."""
