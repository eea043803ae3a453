"""A sentence that attends to itself."""
