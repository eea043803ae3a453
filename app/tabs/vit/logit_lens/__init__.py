"""The page "Logit lens": what the model would say if it ended after each layer."""
