"""What the features are good for: fine-tuning on a few labels."""
