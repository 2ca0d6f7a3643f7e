"""Courses of the roads and the river of the sample scene, in metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_ssamamba.data.sample.canvas import Plane


def road_y(x: Plane | float) -> Plane:
    """Course of the main road, y at x."""
    return np.asarray(176.0 - 0.17 * np.asarray(x) + 9.0 * np.sin(np.asarray(x) / 52.0))


def river_x(y: Plane | float) -> Plane:
    """Course of the river, x at y."""
    return np.asarray(229.0 + 17.0 * np.sin(np.asarray(y) / 43.0 + 0.5) + 0.08 * np.asarray(y))


def street_x(y: Plane | float) -> Plane:
    """Course of the village street, which leaves the main road southwards, x at y."""
    return np.asarray(112.0 + 0.16 * (np.asarray(y) - 160.0))


def lane_x(y: Plane | float) -> Plane:
    """Course of the farm lane north of the main road, x at y."""
    return np.asarray(128.0 - 0.22 * (np.asarray(y) - 160.0))
