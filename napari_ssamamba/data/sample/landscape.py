"""The sample scene's plan: fields, roads, a village, a river, woods, drawn twice as fine as pixels.

Lengths are in metres; the plan is 300 m × 300 m, x grows with the columns and y with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.sample.canvas import EXTENT, Canvas
from napari_ssamamba.data.sample.courses import lane_x, river_x, road_y, street_x
from napari_ssamamba.data.sample.objects import (
    cast_shadows,
    draw_houses,
    draw_tunnels,
    draw_woods,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.sample.canvas import Mask, Plane

OVERSAMPLING = 2
"""Points of the plan along each side of a pixel."""

ROW_CROPS = tuple(range(1, 7))
"""The crops that are sown in rows, with soil between them."""

_DECK = (1, 6, 2, 4, 3, 5, 7, 1, 2, 5, 10, 3, 4)
"""Crops that the fields are dealt: each Brassica twice as often as the others."""

_EDGES = np.cumsum(np.tile((34.0, 26.0, 40.0, 30.0), 4)) - 260.0
"""Where the strips of a block end, in metres across them from the middle of the plan."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The landscape on a grid `OVERSAMPLING` times finer than the scene's pixels.

    Attributes
    ----------
    material : ndarray of uint8, shape (rows, columns)
        Index into `MATERIALS`.
    field : ndarray of int64, shape (rows, columns)
        Number of the field, 0 outside the fields.
    across : ndarray of float64, shape (rows, columns)
        Distance across the crop rows in metres; means something within a field only.
    light : ndarray of float64, shape (rows, columns)
        Illumination relative to flat open ground: roofs facing the sun, crowns, shadows.
    shadow : ndarray of bool, shape (rows, columns)
        Cast shadow of a building or a tree.
    """

    material: NDArray[np.uint8]
    field: NDArray[np.int64]
    across: Plane
    light: Plane
    shadow: Mask


def draw_plan(rows: int, columns: int, rng: np.random.Generator) -> Plan:
    """Draw the landscape.

    Parameters
    ----------
    rows, columns : int
        Pixels of the scene; the whole plan is always shown, in pixels of another size.
    rng : numpy.random.Generator

    Returns
    -------
    Plan
    """
    canvas = Canvas(rows * OVERSAMPLING, columns * OVERSAMPLING)
    _draw_fields(canvas)
    _draw_village_ground(canvas)
    _draw_water(canvas)
    _draw_roads(canvas)
    draw_tunnels(canvas)
    draw_woods(canvas, rng)
    draw_houses(canvas, rng)
    shadow = cast_shadows(canvas)
    light = np.where(shadow, 0.42 * canvas.light, canvas.light)
    return Plan(canvas.material, canvas.field, canvas.across, light, shadow)


def _draw_fields(canvas: Canvas) -> None:
    """Cut the land between roads and river into blocks of turned strips, and deal the crops."""
    x, y = canvas.x, canvas.y
    north, west = y < road_y(x), x < river_x(y)
    lane, street = x < lane_x(y), x < street_x(y)
    blocks = (  # where, turned by (degrees), length of a field, first card of the deck
        (north & west & lane, -9.0, 66.0, 1),
        (north & west & ~lane, 13.0, 58.0, 9),
        (north & ~west, -24.0, 48.0, 9),
        (~north & west & street, 7.0, 55.0, 11),
        (~north & west & ~street, -15.0, 62.0, 3),
        (~north & ~west, 19.0, 50.0, 12),
    )
    for block, (where, degrees, length, first) in enumerate(blocks):
        along, across = canvas.turned(EXTENT / 2, EXTENT / 2, degrees)
        strip = np.searchsorted(_EDGES, across)
        # Fields of neighbouring strips end at different places.
        shifted = along + 23.0 * (strip % 3)
        piece = np.floor(shifted / length).astype(np.int64)
        crop = np.asarray(_DECK)[(5 * strip + 3 * piece + first) % len(_DECK)]
        canvas.material[where] = crop[where]
        # At most 16 strips of 16 fields in a block; fields count from 1.
        canvas.field[where] = (1 + 256 * block + 16 * strip + piece + 8)[where]
        canvas.across[where] = across[where]
        to_edge = np.abs(across - _EDGES[_nearest(_EDGES, across)])
        to_end = np.abs(shifted - length * np.round(shifted / length))
        canvas.fill(where & (to_edge < 0.8), "Meadow")
        canvas.fill(where & (to_end < 1.5), "Gravel")


def _nearest(edges: Plane, values: Plane) -> NDArray[np.intp]:
    """Index of the edge that is nearest to each value."""
    return np.searchsorted((edges[1:] + edges[:-1]) / 2, values)


def _draw_village_ground(canvas: Canvas) -> None:
    """Lay gardens along street and road, and meadows on the river's banks."""
    x, y = canvas.x, canvas.y
    off_road, off_street = y - road_y(x), x - street_x(y)
    along_road = (off_road > 0) & (off_road < 42) & (x > 84) & (x < river_x(y) - 18)
    along_street = (off_road > 0) & (np.abs(off_street) < 24) & (y < 262)
    gardens = along_road | along_street
    canvas.fill(gardens, "Garden")
    lawn = (np.sin(x / 7.3 + 1.1) * np.sin(y / 6.1 + 0.4) > 0.45) & gardens
    canvas.fill(lawn, "Meadow")
    canvas.fill((np.abs(x - river_x(y)) < 19 + 4 * np.sin(y / 17.0)), "Meadow")


def _draw_water(canvas: Canvas) -> None:
    """Draw the river and a pond."""
    x, y = canvas.x, canvas.y
    canvas.fill(np.abs(x - river_x(y)) < 7.5 + 1.5 * np.sin(y / 23.0), "Water")
    angle = np.arctan2(y - 258.0, x - 274.0)
    radius = 13.0 + 2.0 * np.sin(3 * angle) + 1.2 * np.sin(5 * angle + 1.0)
    distance = np.hypot(x - 274.0, 1.2 * (y - 258.0))
    canvas.fill(distance < radius + 5, "Meadow")
    canvas.fill(distance < radius, "Water")


def _draw_roads(canvas: Canvas) -> None:
    """Draw the farm lane and yard, the street, the main road and a car park."""
    x, y = canvas.x, canvas.y
    north = y < road_y(x)
    canvas.fill(north & (np.abs(x - lane_x(y)) < 2.6), "Gravel")
    canvas.fill(~north & (np.abs(x - street_x(y)) < 2.6) & (y < 275), "Asphalt road")
    canvas.fill(np.abs(y - road_y(x)) < 3.6, "Asphalt road")
    along, across = canvas.turned(193.0, float(road_y(193.0)) + 20.0, -14.0)
    canvas.fill((np.abs(along) < 14) & (np.abs(across) < 9), "Asphalt road")
    along, across = canvas.turned(150.0, 128.0, 13.0)
    canvas.fill((np.abs(along) < 13) & (np.abs(across) < 11), "Gravel")
