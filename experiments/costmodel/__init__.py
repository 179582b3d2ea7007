"""What the learned cost models are worth: one table, learning curves, rankings, speed, sizes."""
