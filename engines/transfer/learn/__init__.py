"""Linear probe, fine-tuning and training from scratch beside each other, and the map of the features."""
