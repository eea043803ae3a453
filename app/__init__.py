"""All of Qt: the window, its views and its tabs."""
