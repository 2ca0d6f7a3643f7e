"""Saves a labels layer as a class raster on its scene's grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_ssamamba.data.classes import MAX_CLASS_ID, UNLABELLED, ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.errors import LabelsError


def write_labels_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a labels layer as GeoTIFF or ENVI; the suffix tells which.

    On the grid of the open scene, with its position, where the layer has its size; else without
    a position. Names and colours are those of the layer.

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
    if values.ndim != 2:
        raise LabelsError(
            f"{path}: the layer has {values.ndim} axes; a class raster has rows and columns. "
            "Save a layer of two axes."
        )
    if values.size and (values.min() < 0 or values.max() > MAX_CLASS_ID):
        raise LabelsError(
            f"{path}: the layer has ids from {values.min()} to {values.max()}; "
            f"class ids go from 0 to {MAX_CLASS_ID}."
        )
    ids = values.astype(np.uint16)
    cube = _scene_of(ids) or Cube(
        attributes.get("name", "labels"), np.broadcast_to(np.uint8(0), (*ids.shape, 1))
    )
    return [str(p) for p in write_class_map(Path(path), ids, _table(ids, attributes), cube=cube)]


def _scene_of(ids: Any) -> Cube | None:
    """Return the open scene where the labels lie on its grid."""
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None:
        return None
    from napari_ssamamba.plugin.viewers import known_session_of

    opened = known_session_of(viewer)
    cube = opened.session.cube if opened else None
    return cube if cube is not None and cube.shape[:2] == ids.shape else None


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
