"""Whole-scene prediction: a generator of tiles that returns a class map."""
