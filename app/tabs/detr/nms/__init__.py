"""The page "Without NMS": the same boxes through suppression and through set prediction."""
