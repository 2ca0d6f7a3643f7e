"""Training: a generator of events that returns a checkpoint; metrics."""
