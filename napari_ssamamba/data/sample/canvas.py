"""The canvas on which the sample scene's landscape is drawn: materials, light and heights.

Lengths are in metres; the plan is 300 m × 300 m, x grows with the columns and y with the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float64]
    Mask = NDArray[np.bool_]

EXTENT = 300.0
"""Side of the plan in metres."""

MATERIALS = (
    "Garden",
    "Brassica chinensis",
    "Brassica parachinensis",
    "Brassica rapa",
    "Brassica juncea",
    "Brassica oleracea",
    "Maize",
    "Ripe wheat",
    "Meadow",
    "Trees",
    "Bare soil",
    "Water",
    "Asphalt road",
    "Gravel",
    "Tiled roof",
    "Metal roof",
    "Plastic tunnel",
)
"""Materials by their number in the plan, which is their class id; gardens are a mosaic without
one."""

GARDEN = MATERIALS.index("Garden")


class Canvas:
    """The plan while it is drawn; later strokes cover earlier ones."""

    def __init__(self, height: int, width: int) -> None:
        x = (np.arange(width) + 0.5) * (EXTENT / width)
        y = (np.arange(height) + 0.5) * (EXTENT / height)
        self.step = (EXTENT / height, EXTENT / width)
        self.x, self.y = np.meshgrid(x, y)
        self.material = np.full((height, width), GARDEN, np.uint8)
        self.field = np.zeros((height, width), np.int64)
        self.across = np.zeros((height, width))
        self.light = np.ones((height, width))
        self.height = np.zeros((height, width))

    def fill(
        self, where: Mask, material: str, light: float | Plane = 1.0, height: float = 0.0
    ) -> None:
        """Cover a part of the plan with one material, `height` metres above the ground."""
        self.material[where] = MATERIALS.index(material)
        self.field[where] = 0
        self.light[where] = light[where] if isinstance(light, np.ndarray) else light
        self.height[where] = height

    def turned(self, x: float, y: float, degrees: float) -> tuple[Plane, Plane]:
        """Coordinates along and across a direction, from the point (x, y)."""
        a = np.deg2rad(degrees)
        dx, dy = self.x - x, self.y - y
        return dx * np.cos(a) + dy * np.sin(a), dy * np.cos(a) - dx * np.sin(a)

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Part of the plan within `reach` metres of a point."""
        top, left = int((y - reach) / self.step[0]), int((x - reach) / self.step[1])
        bottom, right = int((y + reach) / self.step[0]) + 1, int((x + reach) / self.step[1]) + 1
        return slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))

    def material_at(self, x: float, y: float) -> str:
        """Name of the material at a point, the nearest one within the plan."""
        row = min(int(y / self.step[0]), self.material.shape[0] - 1)
        column = min(int(x / self.step[1]), self.material.shape[1] - 1)
        return MATERIALS[self.material[row, column]]
