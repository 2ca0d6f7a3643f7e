"""What stands on the sample scene's ground and casts a shadow: tunnels, trees and houses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.sample.canvas import EXTENT, MATERIALS
from napari_ssamamba.data.sample.courses import river_x, road_y, street_x

if TYPE_CHECKING:
    from napari_ssamamba.data.sample.canvas import Canvas, Mask


def draw_tunnels(canvas: Canvas) -> None:
    """Draw six plastic tunnels side by side, with gravel between them."""
    along, across = canvas.turned(44.0, 262.0, 7.0)
    inside = (np.abs(along) < 26) & (np.abs(across) < 25)
    canvas.fill(inside, "Gravel")
    roof = np.mod(across + 25, 8.4) - 4.2
    canvas.fill(
        inside & (np.abs(roof) < 3.5) & (np.abs(along) < 24),
        "Plastic tunnel",
        light=1.0 - 0.05 * roof,
        height=0.6,
    )


def draw_woods(canvas: Canvas, rng: np.random.Generator) -> None:
    """Plant a wood, a line of trees on the river and single trees in the gardens."""
    trees: list[tuple[float, float, float]] = []
    for x, y, size in rng.uniform((236.0, 0.0, 2.6), (304.0, 62.0, 4.6), (420, 3)):
        if 0.75 * (x - 236.0) > 0.9 * y - 6 * np.sin(x / 9.0):
            trees.append((x, y, size))
    for y, side, bank, size in zip(
        np.arange(4.0, EXTENT, 11.0),
        rng.choice((-1.0, 1.0), 27),
        rng.uniform(12.0, 16.0, 27),
        rng.uniform(2.2, 3.8, 27),
        strict=True,
    ):
        trees.append((float(river_x(y)) + side * bank, y, size))
    for x, y, size in rng.uniform((70.0, 140.0, 1.5), (215.0, 265.0, 3.3), (420, 3)):
        if canvas.material_at(x, y) == "Garden":
            trees.append((x, y, size))
    for tree in trees:
        if canvas.material_at(*tree[:2]) not in ("Water", "Asphalt road"):
            _draw_tree(canvas, *tree)


def _draw_tree(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Draw one crown: a disc with a lobed edge, lit from the north-west."""
    window = canvas.window(x, y, radius * 1.3)
    dx, dy = canvas.x[window] - x, canvas.y[window] - y
    angle = np.arctan2(dy, dx)
    edge = radius * (1 + 0.12 * np.sin(4 * angle + x) + 0.08 * np.sin(7 * angle + y))
    crown = np.hypot(dx, dy) < edge
    canvas.material[window][crown] = MATERIALS.index("Trees")
    canvas.field[window][crown] = 0
    canvas.light[window][crown] = (1.0 - 0.25 * (dx + dy) / radius)[crown]
    canvas.height[window][crown] = 1.1 * radius


def draw_houses(canvas: Canvas, rng: np.random.Generator) -> None:
    """Build gabled houses along road and street, and three barns with metal roofs."""
    sites: list[tuple[float, float, float]] = []
    for x in np.arange(92.0, 218.0, 15.5):
        slope = -0.17 + 9.0 / 52.0 * np.cos(x / 52.0)
        for off in (12.0, 32.0):
            y = float(road_y(x)) + off
            if np.abs(x - float(street_x(y))) > 11 and not (off > 20 and x > 170):
                sites.append((x, y, float(np.rad2deg(np.arctan(slope)))))
    for y in np.arange(188.0, 262.0, 16.0):
        for off in (-13.0, 13.0):
            x = float(street_x(y)) + off
            if y - float(road_y(x)) > 44:
                sites.append((x, y, 80.0))
    for x, y, degrees in sites:
        dx, dy, turn = rng.standard_normal(3)
        half = (rng.uniform(4.8, 6.6), rng.uniform(3.6, 5.0))
        material = "Tiled roof" if rng.random() < 0.66 else "Metal roof"
        _draw_house(canvas, (x + dx, y + dy), degrees + 4 * turn, half, material)
    for x, y, degrees in ((143.0, 131.0, 13.0), (161.0, 119.0, 103.0), (40.0, 229.0, 7.0)):
        _draw_house(canvas, (x, y), degrees, (11.0, 5.5), "Metal roof")


def _draw_house(
    canvas: Canvas,
    at: tuple[float, float],
    degrees: float,
    half: tuple[float, float],
    material: str,
) -> None:
    """Draw one gabled roof; its ridge runs along `degrees`."""
    along, across = canvas.turned(*at, degrees)
    roof = (np.abs(along) < half[0]) & (np.abs(across) < half[1])
    # The side that looks north-west is turned to the light.
    lit = np.sin(np.deg2rad(degrees)) < np.cos(np.deg2rad(degrees))
    bright, dark = (1.12, 0.80) if lit else (0.80, 1.12)
    canvas.fill(roof, material, light=np.where(across < 0, bright, dark), height=4.5)


def cast_shadows(canvas: Canvas) -> Mask:
    """Shadows, cast towards the south-east, as long as what casts them is high."""
    shadow = np.zeros(canvas.material.shape, bool)
    for length in np.arange(0.5, 5.0, 0.5):
        down = round(0.8 * length / canvas.step[0])
        right = round(0.6 * length / canvas.step[1])
        source = canvas.height[: canvas.height.shape[0] - down, : canvas.height.shape[1] - right]
        here = shadow[down:, right:]
        here |= (source >= length) & (canvas.height[down:, right:] < source - length + 0.2)
    return np.asarray(shadow & (canvas.height == 0))
