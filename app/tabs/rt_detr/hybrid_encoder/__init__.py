"""The page "Hybrid encoder": attention on the coarsest map, and the fusion of all."""
