"""Training an RT-DETR: live runs that are watched."""
