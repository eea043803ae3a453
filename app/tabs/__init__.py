"""One module or package a topic, found by the window."""
