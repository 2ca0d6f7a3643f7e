"""Class maps, labels and layers as files: GeoTIFF or ENVI."""

from __future__ import annotations

import errno
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.envi_position import position_to_envi
from napari_ssamamba.data.georeferencing import without_georeference_warning
from napari_ssamamba.data.labels import present_ids
from napari_ssamamba.errors import LabelsError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader, DatasetWriter

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap

GEOTIFF_SUFFIXES = (".tif", ".tiff")
ENVI_SUFFIXES = (".hdr", ".img", ".dat")

CLASS_TAG = "classes"
"""Tag of a GeoTIFF that holds the class table, as a JSON list of {id, name, color}."""

UNUSED = "Unused"
"""Name in ENVI's list of classes, which counts up from 0, of ids that no class has."""


def write_class_map(
    path: Path, ids: NDArray[np.uint16], classes: ClassTable, *, cube: Cube
) -> tuple[Path, ...]:
    """Write a class map on its scene's grid.

    GeoTIFF: 8 bits where all ids fit, else 16; colours as its colour table (8 bits only), ids,
    names and colours as the tag `CLASS_TAG`; 0 is nodata. ENVI: a classification with names and
    colours; commas and braces, which its header cannot hold in names, become semicolons and
    parentheses.

    Parameters
    ----------
    path : Path
        The suffix tells the format: ``.tif`` or ``.tiff``; ``.hdr``, ``.img`` or ``.dat``.
    ids : ndarray of uint16, shape (rows, columns)
    classes : ClassTable
    cube : Cube
        The scene, for its position.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    LabelsError
        Where the map is not of the scene's size, or holds ids that are not in the table.
    SettingError
        For a suffix of another format.
    OSError
        Where the disk does not take all of it; what was there before stays.
    """
    _check_format(path)
    if ids.shape != cube.shape[:2]:
        raise LabelsError(
            f"{path}: a map of {ids.shape[0]} × {ids.shape[1]} pixels is not on the grid of "
            f"{cube.name}, which has {cube.rows} × {cube.columns}."
        )
    unknown = sorted(present_ids(ids) - {UNLABELLED, *classes.ids})
    if unknown:
        raise LabelsError(f"{path}: the map has ids without a class: {unknown[:10]}.")
    values = ids.astype(np.uint8 if max(classes.ids, default=0) <= 255 else np.uint16)
    if path.suffix.lower() in ENVI_SUFFIXES:
        return _write_envi_classes(path, values, classes, cube)
    table = [{"id": c.id, "name": c.name, "color": c.color} for c in classes]
    colors = {UNLABELLED: (0, 0, 0, 0)} | {c.id: (*_rgb(c.color), 255) for c in classes}
    with _written_geotiff(path, values[np.newaxis], cube, nodata=UNLABELLED) as file:
        file.update_tags(**{CLASS_TAG: json.dumps(table, ensure_ascii=False)})
        if values.dtype == np.uint8:
            file.write_colormap(1, colors)
    return (path,)


def write_labels(path: Path, labels: LabelMap, *, cube: Cube) -> tuple[Path, ...]:
    """Write labels as a class raster; see `write_class_map`."""
    return write_class_map(path, labels.ids, labels.classes, cube=cube)


def write_layers(
    path: Path, layers: NDArray[np.float32], names: Sequence[str], cube: Cube
) -> tuple[Path, ...]:
    """Write layers of numbers on a scene's grid, e.g. confidence or attention.

    Parameters
    ----------
    path : Path
        The suffix tells the format, as for `write_class_map`.
    layers : ndarray of float32, shape (layers, rows, columns)
        NaN where there is no value.
    names : sequence of str
        One a layer: the bands' names in the file.
    cube : Cube
        The scene, for its position.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    SettingError
        For a suffix of another format, layers of another size, or another number of names.
    OSError
        As `write_class_map`.
    """
    _check_format(path)
    if layers.ndim != 3 or layers.shape[1:] != cube.shape[:2] or len(names) != layers.shape[0]:
        raise SettingError(
            "layers",
            layers.shape,
            f"there must be {len(names)} layers of {cube.rows} × {cube.columns} pixels.",
        )
    values = layers.astype(np.float32, copy=False)
    if path.suffix.lower() in ENVI_SUFFIXES:
        from spectral.io.envi import save_image

        metadata = position_to_envi(cube.crs, cube.transform) | {
            "band names": [envi_name(n) for n in names]
        }
        image, header = _envi_pair(path)
        with written_whole(path.parent) as folder:
            save_image(
                str(folder / header),
                np.moveaxis(values, 0, -1),
                interleave="bsq",
                metadata=metadata,
                ext=Path(image).suffix,
            )
        return path.with_name(image), path.with_name(header)
    with _written_geotiff(path, values, cube, nodata=float("nan")) as file:
        for i, name in enumerate(names):
            file.set_band_description(i + 1, name)
    return (path,)


def _check_format(path: Path) -> None:
    if path.suffix.lower() not in GEOTIFF_SUFFIXES + ENVI_SUFFIXES:
        raise SettingError(
            "file name",
            path.name,
            f"end it in {', '.join(GEOTIFF_SUFFIXES)} for GeoTIFF or "
            f"{', '.join(ENVI_SUFFIXES)} for ENVI.",
        )


@contextmanager
def _written_geotiff(
    path: Path, values: NDArray[Any], cube: Cube, nodata: float
) -> Iterator[DatasetWriter]:
    """Write values of shape (bands, rows, columns) as a compressed GeoTIFF, after the block.

    Where the disk is full for the last bytes alone, GDAL says nothing: the file is read back
    before it takes the place of another.
    """
    import rasterio
    from rasterio import Affine

    refused = OSError(errno.EIO, "not all of it could be written; is the disk full?", str(path))
    with written_whole(path.parent) as folder, without_georeference_warning():
        written = folder / path.name
        try:
            with rasterio.open(
                written,
                "w",
                driver="GTiff",
                count=values.shape[0],
                height=values.shape[1],
                width=values.shape[2],
                dtype=values.dtype,
                nodata=nodata,
                crs=cube.crs,
                transform=Affine.from_gdal(*cube.transform) if cube.transform else None,
                compress="deflate",
                tiled=True,
                interleave="band",
                bigtiff="if_safer",
            ) as file:
                yield file
                file.write(values)
                told = _told(file)
        except rasterio.errors.RasterioIOError as error:
            raise refused from error
        if not _reads_as(written, values, told):
            raise refused


def _reads_as(path: Path, values: NDArray[Any], told: tuple[object, ...]) -> bool:
    """Tell whether a GeoTIFF holds these values and says the same of them."""
    import rasterio

    try:
        with rasterio.open(path) as file:
            for _, window in file.block_windows(1):
                rows, columns = window.toslices()
                wanted = values[:, rows, columns]
                if file.read(window=window).tobytes() != wanted.tobytes():
                    return False
            return _told(file) == told
    except rasterio.errors.RasterioError:
        return False


def _told(file: DatasetReader) -> tuple[object, ...]:
    """Return what a GeoTIFF says of its values: class table, names, position and colours."""
    from rasterio.enums import ColorInterp

    paletted = ColorInterp.palette in file.colorinterp
    colors = file.colormap(1).items() if paletted else ()
    return (
        file.tags().get(CLASS_TAG),
        file.descriptions,
        file.crs,
        file.transform,
        {i: color for i, color in colors if any(color[:3])},  # a file holds black for all others
    )


def _write_envi_classes(
    path: Path, values: NDArray[Any], classes: ClassTable, cube: Cube
) -> tuple[Path, ...]:
    from spectral.io.envi import save_classification

    highest = max(classes.ids, default=0)
    names = ["Unclassified", *[UNUSED] * highest]
    colors = [(0, 0, 0)] * (highest + 1)
    for c in classes:
        names[c.id] = envi_name(c.name)
        colors[c.id] = _rgb(c.color)
    image, header = _envi_pair(path)
    with written_whole(path.parent) as folder:
        save_classification(
            str(folder / header),
            values,
            class_names=names,
            class_colors=colors,
            ext=Path(image).suffix,
            metadata=position_to_envi(cube.crs, cube.transform) | {"data ignore value": UNLABELLED},
        )
    return path.with_name(image), path.with_name(header)


def _envi_pair(path: Path) -> tuple[str, str]:
    """Names of the data file and the header."""
    suffix = ".img" if path.suffix.lower() == ".hdr" else path.suffix
    return path.stem + suffix, path.stem + ".hdr"


def envi_name(name: str) -> str:
    """Return a name without the signs that end an item or a list in an ENVI header."""
    return " ".join(name.translate(str.maketrans(",{}", ";()")).split())


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
