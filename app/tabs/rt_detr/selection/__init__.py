"""The page "Selection": which locations become queries."""
