"""The page "Merge": branches beside each other and the one kernel that says the same."""
