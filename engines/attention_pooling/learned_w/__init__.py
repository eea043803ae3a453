"""One width w learned by gradient descent."""
