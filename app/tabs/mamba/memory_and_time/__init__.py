"""The page "Memory and time": attention, the recurrence and the scan over the length of a sequence."""
