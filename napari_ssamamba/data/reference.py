"""References and labels from files, brought onto a cube's grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.class_raster import (
    ClassRaster,
    check_one_band,
    read_envi_classes,
    read_geotiff_classes,
    read_matlab_classes,
    read_png_classes,
)
from napari_ssamamba.data.classes import MAX_CLASS_ID, UNLABELLED, ClassTable
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.nodata import is_measured
from napari_ssamamba.data.readers import file_kind
from napari_ssamamba.data.readers.tile_grid import GRID_TOLERANCE, pixel_offset, same_pixels
from napari_ssamamba.errors import LabelsError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

_PNG_START = b"\x89PNG\r\n\x1a\n"
_VECTOR_STARTS = (b"SQLite format 3\x00", b"\x00\x00\x27\x0a", b"{", b"\xef\xbb\xbf{")
"""GeoPackage, shapefile, GeoJSON."""


def read_labels(
    path: Path | Sequence[Path],
    cube: Cube | None = None,
    *,
    variable: str | None = None,
    field: str | None = None,
) -> LabelMap:
    """Read a class raster, or polygons with a class field.

    Ids stay what they are; negative ones, NaN and the file's nodata mean "no label". Names and
    colours are the file's where it has them. A raster with a position that covers a part of the
    cube's grid, or more than it, is put where it belongs.

    Parameters
    ----------
    path : Path or sequence of Path
        GeoTIFF (several are tiles of one reference), ENVI, ``.mat``, ``.npy`` or ``.png``;
        GeoPackage, GeoJSON or shapefile.
    cube : Cube, optional
        The scene; polygons need it. Without it a raster stays on its own grid.
    variable : str, optional
        Which variable of a ``.mat`` file, or layer of a GeoPackage.
    field : str, optional
        Which field of polygons is the class.

    Returns
    -------
    LabelMap

    Raises
    ------
    LabelsError
        Where the raster is not on the cube's grid, values are no class ids, or nothing is
        labelled.
    AmbiguousFileError
        Where the variable, layer or field is not known; it holds the choices.
    FileFormatError
        Where the file is missing, damaged or of no known format.
    """
    files = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    kinds = {_kind(p) for p in files}
    if len(kinds) != 1 or (len(files) > 1 and kinds != {"geotiff"}):
        raise SettingError(
            "labels",
            [p.name for p in files],
            "name one file, or several GeoTIFF tiles.",
        )
    (kind,) = kinds
    first = files[0]
    if field is not None and kind != "vector":
        raise SettingError("field", field, f"only polygons have fields; {first} is a raster.")
    if variable is not None and kind not in ("matlab", "vector"):
        raise SettingError("variable", variable, f"{first} has none; leave the option out.")
    if kind == "vector":
        if cube is None:
            raise LabelsError(f"{first}: polygons need a scene. Open the scene first.")
        from napari_ssamamba.data.polygons import read_polygons

        ids, names, colors = read_polygons(first, cube, layer=variable, field=field)
        classes = _table(ids, ClassRaster(ids, names=names, colors=colors))
        return LabelMap(ids, classes, first.stem, first)
    raster = _read_raster(kind, files, variable, cube)
    ids = class_ids(raster.values, raster.nodata, first)
    classes = _table(ids, raster)
    if cube is not None:
        ids = _on_grid(ids, raster, cube, first)
    name = first.stem if len(files) == 1 else f"{first.parent.name} ({len(files)})"
    return LabelMap(ids, classes, name, first)


def class_ids(values: NDArray[Any], nodata: float | None, path: Path) -> NDArray[np.uint16]:
    """Turn stored values into class ids.

    Parameters
    ----------
    values : ndarray, any shape and real type
    nodata : float or None
        Stored value that means "no label"; NaN and negative values mean that in any case.
    path : Path
        For messages.

    Returns
    -------
    ndarray of uint16, same shape

    Raises
    ------
    LabelsError
        For values that are no whole numbers, or above 65535.
    """
    labelled = is_measured(values, nodata) & (values > 0)
    found = values[labelled]
    fractions = found[found != np.trunc(found)] if values.dtype.kind == "f" else found[:0]
    if fractions.size:
        raise LabelsError(
            f"{path}: it holds {fractions[0]:g}, and class ids are whole numbers. Give a raster "
            "of classes, not one of measurements."
        )
    if found.size and found.max() > MAX_CLASS_ID:
        raise LabelsError(
            f"{path}: it holds the id {int(found.max())}; class ids go up to {MAX_CLASS_ID}."
        )
    ids = np.full(values.shape, UNLABELLED, np.uint16)
    ids[labelled] = found.astype(np.uint16)
    return ids


def _kind(path: Path) -> str:
    """Tell a file's format by its first bytes."""
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(64)
        if start.startswith(_PNG_START):
            return "png"
        if start.lstrip().startswith(_VECTOR_STARTS):
            return "vector"
    return file_kind(path)


def _read_raster(
    kind: str, files: Sequence[Path], variable: str | None, cube: Cube | None
) -> ClassRaster:
    path = files[0]
    if kind == "geotiff":
        return read_geotiff_classes(files)
    if kind == "png":
        return read_png_classes(path)
    if kind == "envi":
        return read_envi_classes(path)
    if kind == "matlab":
        return read_matlab_classes(path, variable, None if cube is None else cube.shape[:2])
    from napari_ssamamba.data.readers.numpy_file import map_array

    values = map_array(path)
    if values.ndim != 2:
        raise LabelsError(
            f"{path}: it holds an array of shape {values.shape}; labels have rows and columns."
        )
    check_one_band(path, (*values.shape, 1))
    return ClassRaster(values)


def _table(ids: NDArray[np.uint16], raster: ClassRaster) -> ClassTable:
    """Make the table of the ids that occur and of those that the file names."""
    present = {int(i) for i in np.unique(ids)}
    named = {i for i in raster.names if UNLABELLED < i <= MAX_CLASS_ID}
    table = ClassTable.from_ids(present | named, raster.names)
    for i in table.ids:
        if i in raster.colors:
            table = table.recolor(i, raster.colors[i])
    return table


def _on_grid(
    ids: NDArray[np.uint16], raster: ClassRaster, cube: Cube, path: Path
) -> NDArray[np.uint16]:
    """Put labels on the cube's grid, by their positions where both have one."""
    grid, rows_columns = cube.shape[:2], ids.shape
    sizes = (
        f"{path}: the labels are {rows_columns[0]} × {rows_columns[1]} pixels, {cube.name} is "
        f"{grid[0]} × {grid[1]}"
    )
    if raster.transform is None or cube.transform is None:
        if rows_columns == grid:
            return ids
        turned = " They may be transposed." if rows_columns == grid[::-1] else ""
        raise LabelsError(f"{sizes}.{turned} Give labels on the scene's grid.")
    if not _same_crs(raster.crs, cube.crs):
        raise LabelsError(
            f"{sizes}; their coordinate reference systems differ: {raster.crs}, {cube.crs}. "
            "Reproject the labels to the scene's grid."
        )
    if not same_pixels(cube.transform, raster.transform, max(*grid, *rows_columns)):
        raise LabelsError(f"{sizes}; their pixels differ in size. Resample the labels to its grid.")
    row, column = pixel_offset(cube.transform, raster.transform)
    row0, column0 = round(row), round(column)
    if max(abs(row - row0), abs(column - column0)) > GRID_TOLERANCE:
        raise LabelsError(
            f"{sizes}; they lie {row:.2f} rows and {column:.2f} columns apart, between its pixels. "
            "Resample the labels to its grid."
        )
    placed = np.full(grid, UNLABELLED, np.uint16)
    source = ids[
        max(0, -row0) : max(0, grid[0] - row0), max(0, -column0) : max(0, grid[1] - column0)
    ]
    if source.size == 0:
        raise LabelsError(f"{sizes}; they lie {row0} rows and {column0} columns apart, outside it.")
    top, left = max(0, row0), max(0, column0)
    placed[top : top + source.shape[0], left : left + source.shape[1]] = source
    return placed


def _same_crs(one: str | None, other: str | None) -> bool:
    """Tell whether two CRS are the same; one that is not told is taken as the other."""
    if one is None or other is None or one == other:
        return True
    from rasterio.crs import CRS

    return bool(CRS.from_user_input(one) == CRS.from_user_input(other))
