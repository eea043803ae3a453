"""The page "Scan by hand": one channel, its sequence drawn with the mouse, and four ways to the same answer."""
