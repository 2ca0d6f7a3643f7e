"""Whether several rasters are tiles of one grid, and where in it each lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_ssamamba.data.cube import GeoTransform
    from napari_ssamamba.data.readers.raster import Raster

GRID_TOLERANCE = 0.02
"""How far, in pixels, a tile may lie off the grid; coordinates are often rounded."""

MOST_EMPTY = 1000
"""How many times larger than all its tiles together a scene may be."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """An open raster file and where it lies."""

    path: Path
    dataset: Any
    raster: Raster
    crs: str | None
    transform: GeoTransform | None
    nodata: float | None


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid that tiles share.

    Attributes
    ----------
    transform : tuple of six float
        Of the scene that they make up.
    corners : tuple of (int, int)
        Row and column of each tile's first pixel in it.
    fill : float
        Stored value of gaps.
    """

    transform: GeoTransform
    corners: tuple[tuple[int, int], ...]
    fill: float


def common_grid(tiles: Sequence[Tile]) -> Grid:
    """Find the grid that tiles share.

    Raises
    ------
    FileFormatError
        Naming the first tile that differs from the first one in bands, type, nodata, scale, CRS
        or pixel size, that lies between its pixels, or that lies far from all others.
    """
    first = tiles[0]
    if first.transform is None:
        raise FileFormatError(
            first.path, "it has no position, so it is no tile of a scene", "Open it by itself."
        )
    for tile in tiles[1:]:
        _check_alike(first, tile)
    offsets = [pixel_offset(first.transform, t.transform) for t in tiles if t.transform]
    for tile, (row, column) in zip(tiles, offsets, strict=True):
        if max(abs(row - round(row)), abs(column - round(column))) > GRID_TOLERANCE:
            raise FileFormatError(
                tile.path,
                f"it lies {row:.2f} rows and {column:.2f} columns from {first.path.name}, between "
                "the pixels of its grid",
                "Open it by itself, or resample it to the grid.",
            )
    row0 = min(round(row) for row, _ in offsets)
    column0 = min(round(column) for _, column in offsets)
    corners = tuple((round(row) - row0, round(column) - column0) for row, column in offsets)
    _check_near(tiles, corners)
    x, xc, xr, y, yc, yr = first.transform
    origin = (x + column0 * xc + row0 * xr, y + column0 * yc + row0 * yr)
    return Grid((origin[0], xc, xr, origin[1], yc, yr), corners, _fill(first))


def pixel_offset(origin: GeoTransform, other: GeoTransform) -> tuple[float, float]:
    """Rows and columns from the first pixel of one grid to the first of another.

    Both have the same pixels, so the offset solves A·(column, row) = (Δx, Δy), where A holds the
    steps a column and a row.
    """
    steps = np.array([[origin[1], origin[2]], [origin[4], origin[5]]])
    column, row = np.linalg.solve(steps, [other[0] - origin[0], other[3] - origin[3]])
    return float(row), float(column)


def same_pixels(one: GeoTransform, other: GeoTransform, length: int) -> bool:
    """Tell whether two grids have pixels of one size and direction, over so many pixels."""
    steps = np.array([one[1], one[2], one[4], one[5]])
    others = np.array([other[1], other[2], other[4], other[5]])
    drift = np.abs(steps - others).max() * length
    return bool(drift <= GRID_TOLERANCE * np.abs(steps).max())


def _check_alike(first: Tile, tile: Tile) -> None:
    def described(t: Tile) -> dict[str, object]:
        return {
            "number of bands": t.raster.shape[2],
            "type": t.raster.dtype.name,
            "CRS": t.crs or "none",
            "nodata value": "none" if t.nodata is None else f"{t.nodata:g}",
            "scale": t.dataset.scales[0],
            "offset": t.dataset.offsets[0],
        }

    for (what, expected), found in zip(
        described(first).items(), described(tile).values(), strict=True
    ):
        if found != expected:
            raise FileFormatError(
                tile.path,
                f"its {what} is {found}, that of {first.path.name} is {expected}",
                "Open together only tiles of one scene.",
            )
    length = max(*first.raster.shape[:2], *tile.raster.shape[:2])
    if tile.transform is None or first.transform is None:
        raise FileFormatError(tile.path, "it has no position", "Open it by itself.")
    if not same_pixels(first.transform, tile.transform, length):
        raise FileFormatError(
            tile.path,
            f"its pixels measure {tile.transform[1]:g} × {tile.transform[5]:g}, those of "
            f"{first.path.name} {first.transform[1]:g} × {first.transform[5]:g}",
            "Open together only tiles of one grid.",
        )


def _check_near(tiles: Sequence[Tile], corners: Sequence[tuple[int, int]]) -> None:
    shapes = [t.raster.shape for t in tiles]
    rows = max(r + s[0] for (r, _), s in zip(corners, shapes, strict=True))
    columns = max(c + s[1] for (_, c), s in zip(corners, shapes, strict=True))
    if rows * columns > MOST_EMPTY * sum(s[0] * s[1] for s in shapes):
        raise FileFormatError(
            tiles[0].path,
            f"with the other tiles it spans {rows} rows × {columns} columns, nearly all empty",
            "Open together only tiles that lie near each other.",
        )


def _fill(tile: Tile) -> float:
    """Choose the stored value of gaps: nodata, NaN, or the extreme value of an integer type."""
    if tile.nodata is not None:
        return tile.nodata
    if tile.raster.dtype.kind == "f":
        return float("nan")
    limits = np.iinfo(tile.raster.dtype)
    return float(limits.min if limits.min < 0 else limits.max)
