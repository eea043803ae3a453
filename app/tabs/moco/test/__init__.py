"""What the features are good for."""
