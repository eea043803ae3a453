"""Learning from few labels on a frozen backbone, beside fine-tuning and from scratch."""
