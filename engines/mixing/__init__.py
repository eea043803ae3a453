"""Who mixes with whom: ‖∂y_i / ∂x_j‖ of blocks of any net that a topic offers, two nets side by side on one photo."""
