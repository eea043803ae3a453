"""What a model finds in a folder of pictures, as files for the tab "Average precision"."""
