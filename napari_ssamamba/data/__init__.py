"""Cubes, labels, splits, patches and tiles: numpy in, numpy out."""
