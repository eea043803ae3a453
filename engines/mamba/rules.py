"""What the rules of discretization are called; no torch."""

HOLD, EULER, BILINEAR = "Zero-order hold", "Euler for B", "Bilinear"
RULES = (HOLD, EULER, BILINEAR)
