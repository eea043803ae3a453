"""Pictures and tasks to train on and to look at."""
