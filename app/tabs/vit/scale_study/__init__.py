"""The page "Scale study": a ViT and a CNN of equal size, trained on more and more pictures."""
