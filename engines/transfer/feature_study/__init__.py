"""Features of a folder of pictures, part by part: a study."""
