"""The page "Reach": nets whose fields reach equally far, trained live; not all of them get there."""
