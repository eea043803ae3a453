"""Studies in the window: choose what differs, let the runs be made here or on a cluster, watch the curves grow."""
