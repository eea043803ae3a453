"""One head and two heads of the same total width, trained on a task that needs two."""
