"""The page "Race": no attention, squeeze-and-excitation and split attention side by side."""
