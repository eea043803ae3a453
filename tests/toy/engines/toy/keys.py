"""Names of a palette's tensors in the folders of others; see `engines.checkpoints.apply`."""

TABLE = {"palette.weight": "colors"}
