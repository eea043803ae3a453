"""The page "Race": no attention, squeeze-and-excitation and split attention, at equal parameters and at equal time."""
