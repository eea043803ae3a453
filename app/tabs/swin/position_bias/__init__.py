"""The page "Position bias": the table of each head as a control."""
