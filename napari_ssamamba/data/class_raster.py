"""Rasters of class ids as files hold them, with whatever names and colours they have."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from napari_ssamamba.data.georeferencing import open_raster, position
from napari_ssamamba.data.writers import CLASS_TAG, UNUSED
from napari_ssamamba.errors import AmbiguousFileError, Choice, FileFormatError, LabelsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import GeoTransform

MAX_PIXELS = 2**31
"""A class raster is read whole; one with more pixels is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassRaster:
    """A raster of class ids as stored.

    Attributes
    ----------
    values : ndarray, shape (rows, columns)
        Any real type.
    nodata : float or None
        Stored value that means "no label", besides 0.
    names, colors : dict
        By id; colours as ``"#rrggbb"``.
    crs, transform
        As in `Cube`.
    """

    values: NDArray[Any]
    nodata: float | None = None
    names: dict[int, str] = field(default_factory=dict)
    colors: dict[int, str] = field(default_factory=dict)
    crs: str | None = None
    transform: GeoTransform | None = None


def read_geotiff_classes(paths: Sequence[Path]) -> ClassRaster:
    """Read a class raster from a GeoTIFF, or from several that are tiles of one grid.

    Names come from the tag that `write_class_map` writes or from GDAL's category names in
    ``.aux.xml``; colours from that tag or the colour table.

    Raises
    ------
    FileFormatError
        As `open_tile` and `common_grid`.
    LabelsError
        For a raster of several bands.
    """
    from napari_ssamamba.data.readers.geotiff import open_tile
    from napari_ssamamba.data.readers.raster import Mosaic
    from napari_ssamamba.data.readers.tile_grid import common_grid

    tiles = [open_tile(path) for path in sorted(set(paths))]
    for tile in tiles:
        check_one_band(tile.path, tile.raster.shape)
    first = tiles[0]
    whole = (slice(None), slice(None), slice(0, 1))
    if len(tiles) == 1:
        values, transform, nodata = first.raster[whole], first.transform, first.nodata
    else:
        grid = common_grid(tiles)
        # 0 is "no label" already: tiles without a nodata value leave gaps of 0
        fill = 0.0 if first.nodata is None else grid.fill
        mosaic = Mosaic([t.raster for t in tiles], grid.corners, fill)
        check_one_band(first.path, mosaic.shape)
        values, transform, nodata = mosaic[whole], grid.transform, first.nodata
    names: dict[int, str] = {}
    colors: dict[int, str] = {}
    for tile in tiles:
        names |= _category_names(tile.path)
        colors |= _color_table(tile.dataset)
        own_names, own_colors = _class_tag(tile.dataset.tags().get(CLASS_TAG))
        names, colors = names | own_names, colors | own_colors
        tile.dataset.close()
    return ClassRaster(values[..., 0], nodata, names, colors, first.crs, transform)


def read_png_classes(path: Path) -> ClassRaster:
    """Read a class raster from a PNG whose values, gray or of a palette, are the ids.

    Raises
    ------
    LabelsError
        For an image in true colour.
    """
    with open_raster(path, "PNG") as dataset:
        check_one_band(path, (dataset.height, dataset.width, dataset.count))
        crs, transform = position(dataset)
        return ClassRaster(
            dataset.read(1), None, _category_names(path), _color_table(dataset), crs, transform
        )


def read_envi_classes(path: Path) -> ClassRaster:
    """Read an ENVI classification, or any ENVI file of one band.

    Raises
    ------
    FileFormatError
        As `read_header`.
    LabelsError
        For a file of several bands.
    """
    from napari_ssamamba.data.envi_position import position_from_envi
    from napari_ssamamba.data.readers.envi import map_values
    from napari_ssamamba.data.readers.envi_header import read_header

    header = read_header(path)
    check_one_band(path, (header.rows, header.columns, header.bands))
    values = np.asarray(map_values(header)[..., 0])
    present = set(np.unique(values).tolist())
    names = {
        i: name
        for i, name in enumerate(header.texts("class names"))
        if i > 0 and name and (name != UNUSED or i in present)
    }
    lookup = [int(float(text)) for text in header.texts("class lookup") if text]
    colors = {i: _hex(*lookup[3 * i : 3 * i + 3]) for i in range(1, len(lookup) // 3)}
    crs, transform = position_from_envi(header.fields)
    return ClassRaster(values, header.number("data ignore value"), names, colors, crs, transform)


def read_matlab_classes(
    path: Path, variable: str | None, grid: tuple[int, int] | None
) -> ClassRaster:
    """Read a class raster from a matrix in a ``.mat`` file.

    Parameters
    ----------
    path : Path
    variable : str, optional
        Needed where the file holds several that may be it.
    grid : tuple of int, optional
        Rows and columns that the matrix should have.

    Raises
    ------
    AmbiguousFileError
        Where several matrices may be meant.
    FileFormatError
        Where the variable does not exist, or no matrix does.
    """
    from napari_ssamamba.data.readers.matlab_file import list_variables, load_variable

    variables = list_variables(path)
    listed = ", ".join(v.text for v in variables) or "none"
    matrices = [v for v in variables if len(v.shape) == 2 and min(v.shape) > 1]
    fitting = [v for v in matrices if v.shape == grid]
    if variable is not None:
        chosen = [v for v in variables if v.name == variable and len(v.shape) == 2]
    else:
        chosen = fitting or matrices
    if not chosen:
        what = f"matrix {variable!r}" if variable else "matrix of class ids"
        raise FileFormatError(path, f"it holds no {what}", f"Its numeric variables: {listed}.")
    if len(chosen) > 1:
        raise AmbiguousFileError(
            path,
            f"it holds {len(chosen)} matrices that may be the labels: "
            f"{', '.join(v.text for v in chosen)}",
            f"Name one, e.g. {path.name}:{chosen[0].name}.",
            [Choice("variable", v.name, v.text) for v in chosen],
        )
    check_one_band(path, (*chosen[0].shape, 1))
    return ClassRaster(load_variable(path, chosen[0].name))


def check_one_band(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse what is no class raster, before it is read.

    Raises
    ------
    LabelsError
        For several bands, or more than `MAX_PIXELS`.
    """
    rows, columns, bands = shape
    if bands != 1:
        raise LabelsError(
            f"{path}: it has {bands} bands, a class raster has one. Give a raster whose values "
            "are the class ids, not its picture in colours."
        )
    if rows * columns > MAX_PIXELS:
        raise LabelsError(f"{path}: {rows} × {columns} pixels are too many for a class raster.")


def _class_tag(text: str | None) -> tuple[dict[int, str], dict[int, str]]:
    """Read names and colours from our tag; a tag of that name with other content says nothing."""
    try:
        table = json.loads(text or "[]")
        names = {int(c["id"]): str(c["name"]) for c in table}
        colors = {int(c["id"]): str(c["color"]) for c in table}
        return names, {i: c for i, c in colors.items() if re.fullmatch("#[0-9a-fA-F]{6}", c)}
    except (ValueError, TypeError, KeyError):
        return {}, {}


def _color_table(dataset: Any) -> dict[int, str]:
    try:
        table = dataset.colormap(1)
    except ValueError:  # rasterio's way to say that there is none
        return {}
    return {i: _hex(*rgba[:3]) for i, rgba in table.items() if i > 0}


def _category_names(path: Path) -> dict[int, str]:
    """Read GDAL's category names, which lie in a file beside the raster."""
    beside = path.with_name(path.name + ".aux.xml")
    if not beside.is_file():
        return {}
    try:
        root = ElementTree.parse(beside).getroot()
    except ElementTree.ParseError as error:
        raise FileFormatError(
            beside, f"it is damaged ({error})", "Remove or correct it."
        ) from error
    found = root.findall(".//PAMRasterBand[@band='1']/CategoryNames/Category")
    return {i: c.text for i, c in enumerate(found) if i > 0 and c.text}


def _hex(red: int, green: int, blue: int) -> str:
    return f"#{red & 255:02x}{green & 255:02x}{blue & 255:02x}"
