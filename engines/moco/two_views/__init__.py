"""One picture seen twice, and the contrast of its views with the keys."""
