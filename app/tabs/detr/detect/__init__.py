"""All queries of a picture, what each attends to, and what can be changed in the model."""
