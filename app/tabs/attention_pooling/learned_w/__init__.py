"""One width learned by gradient descent."""
