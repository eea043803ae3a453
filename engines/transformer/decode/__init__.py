"""The page "Decode": what a state makes of an input, token by token."""
