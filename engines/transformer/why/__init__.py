"""The page "Why": eight claims about attention, each measured on the trained model and one's own input."""
