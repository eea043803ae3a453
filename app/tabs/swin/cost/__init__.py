"""The page "Cost": attention inside of windows beside attention of all to all."""
