"""What a probe says of a photo, and which pictures of the set are most like it."""
