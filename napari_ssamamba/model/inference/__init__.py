"""The trained network over a scene: equal to that of the equations, and faster."""
