"""The page "Proofs": four switches trained live, with the predicted accuracy beside the measured one."""
