"""Where and why the map is wrong: arrays in, arrays out."""
