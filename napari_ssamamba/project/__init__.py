"""What outlives the program: checkpoints on disk."""
