"""Boxes drawn by hand on a folder of photos, to train on."""
