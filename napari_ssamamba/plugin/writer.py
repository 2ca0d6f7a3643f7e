"""Saves a layer as a raster on its scene's grid: labels as classes, images as numbers.

napari asks the first writer of a layer's type and suffix, which may be this one. Layers that have
nothing to do with a scene are left to napari's own writers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.classes import MAX_CLASS_ID, UNLABELLED, ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.errors import LabelsError, SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAPARIS_SUFFIXES = (".tif", ".tiff")
"""Of this plugin's suffixes, those that napari itself writes, too."""


def write_labels_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a labels layer as GeoTIFF or ENVI; the suffix tells which.

    On the grid of the open scene, with its position, where the layer has its size; else without
    a position. Names and colours are those of the layer. A TIFF of a layer that is no class map,
    where no scene is open, is napari's.

    Parameters
    ----------
    path : str
    data : ndarray of int, shape (rows, columns), or levels of one
    attributes : dict
        Of the layer, as napari gives them.

    Returns
    -------
    list of str
        The files that were written.

    Raises
    ------
    LabelsError
        For a layer that has not two axes, or ids that are no class ids.
    """
    from napari_ssamamba.data.writers import write_class_map

    values = np.asarray(data[0] if attributes.get("multiscale") else data)
    flat = values.ndim == 2
    fits = not values.size or (values.min() >= 0 and values.max() <= MAX_CLASS_ID)
    if not (flat and fits) and _is_naparis(path):
        from napari_builtins.io import napari_write_labels

        return [str(napari_write_labels(path, values, attributes))]
    if not flat:
        raise LabelsError(
            f"{path}: the layer has {values.ndim} axes; a class raster has rows and columns. "
            "Save a layer of two axes."
        )
    if not fits:
        raise LabelsError(
            f"{path}: the layer has ids from {values.min()} to {values.max()}; "
            f"class ids go from 0 to {MAX_CLASS_ID}."
        )
    ids = values.astype(np.uint16)
    cube = _grid_of(ids, attributes)
    return [str(p) for p in write_class_map(Path(path), ids, _table(ids, attributes), cube=cube)]


def write_image_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write an image layer, such as confidence or attention, as GeoTIFF or ENVI of float32.

    On the grid of the open scene, with its position, where the layer has its size; ENVI else
    without a position. A colour image becomes three bands from 0 to 255. TIFFs where no scene is
    open are napari's.

    Parameters
    ----------
    path : str
        The suffix tells the format.
    data : ndarray, shape (rows, columns) or (rows, columns, 3 or 4), or levels of one
    attributes : dict
        Of the layer, as napari gives them.

    Returns
    -------
    list of str
        The files that were written.

    Raises
    ------
    SettingError
        For a layer with other axes, as the one of all bands.
    """
    from napari_ssamamba.data.writers import write_layers

    values = data[0] if attributes.get("multiscale") else data
    if _is_naparis(path):
        from napari_builtins.io import napari_write_image

        return [str(napari_write_image(path, np.asarray(values), attributes))]
    name, colours = str(attributes.get("name", "image")), bool(attributes.get("rgb"))
    if values.ndim != (3 if colours else 2):
        raise SettingError(
            "layer",
            name,
            f"it has {values.ndim} axes; save one of rows and columns. All bands of the scene are "
            "in its own file.",
        )
    bands = np.moveaxis(np.asarray(values)[..., :3], -1, 0) if colours else np.asarray(values)[None]
    names = ["red", "green", "blue"] if colours else [name]
    cube = _grid_of(bands[0], attributes)
    return [str(p) for p in write_layers(Path(path), bands.astype(np.float32), names, cube)]


def _is_naparis(path: str) -> bool:
    """Tell whether napari would write the file, and no scene is open here."""
    return path.lower().endswith(NAPARIS_SUFFIXES) and _scene() is None


def _grid_of(values: NDArray[Any], attributes: dict[str, Any]) -> Cube:
    """Return the open scene where a layer has its size, else one without a position."""
    cube = _scene()
    if cube is not None and cube.shape[:2] == values.shape:
        return cube
    nothing = np.broadcast_to(np.uint8(0), (*values.shape, 1))
    return Cube(attributes.get("name", "layer"), nothing)


def _scene() -> Cube | None:
    """Return the scene that is open in the current viewer."""
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None:
        return None
    from napari_ssamamba.plugin.viewers import known_session_of

    opened = known_session_of(viewer)
    return opened.session.cube if opened else None


def _table(ids: Any, attributes: dict[str, Any]) -> ClassTable:
    """Return the classes by the layer's names and colours, and its other ids by number."""
    features = attributes.get("features", {})
    known: dict[int, str] = {}
    if "index" in features and "class" in features:
        known = {int(i): str(n) for i, n in zip(features["index"], features["class"], strict=True)}
    known.pop(UNLABELLED, None)
    colors = getattr(attributes.get("colormap"), "color_dict", {})
    table = ClassTable()
    for i in sorted({int(i) for i in np.unique(ids)} - {UNLABELLED} | set(known)):
        rgb = colors.get(i)
        color = None if rgb is None else "#" + bytes(round(255 * float(c)) for c in rgb[:3]).hex()
        table = table.add(known.get(i, f"Class {i}"), color, i)
    return table
