"""The page "Race": Mamba, the same block without selection, and attention, on two tasks of memory."""
