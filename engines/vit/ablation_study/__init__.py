"""What heads of a ViT are worth on a folder of pictures: a study."""
