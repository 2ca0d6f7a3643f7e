"""Label polygons, drawn onto a cube's grid."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.classes import MAX_CLASS_ID
from napari_ssamamba.errors import AmbiguousFileError, Choice, FileFormatError, LabelsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

CLASS_FIELDS = (
    "class",
    "label",
    "class_id",
    "classid",
    "label_id",
    "labels",
    "classes",
    "category",
)
"""Names, in any case, of fields that are taken as the class, the surest first."""

NAME_FIELDS = ("class_name", "classname", "label_name", "name")
COLOR = re.compile("#[0-9a-fA-F]{6}")
COLOR_FIELDS = ("color", "colour", "class_color", "class_colour", "hex")
"""Names of fields that are taken as the name of a class whose id another field has."""


@dataclass(frozen=True, slots=True, eq=False)
class _Features:
    """Geometries as WKB with their fields."""

    geometries: NDArray[Any]
    fields: dict[str, NDArray[Any]]
    crs: str | None


def read_polygons(
    path: Path, cube: Cube, *, layer: str | None = None, field: str | None = None
) -> tuple[NDArray[np.uint16], dict[int, str], dict[int, str]]:
    """Draw label polygons onto a cube's grid.

    A pixel is labelled where its centre lies inside; of polygons that overlap, the later one in
    the file counts. Polygons are brought into the cube's CRS.

    Parameters
    ----------
    path : Path
        GeoPackage, GeoJSON or shapefile.
    cube : Cube
        It must have a transform.
    layer : str, optional
        Needed where a GeoPackage has several.
    field : str, optional
        Which field has the class: whole numbers are the ids, texts become ids 1, 2, … in
        alphabetical order.

    Returns
    -------
    ids : ndarray of uint16, shape (rows, columns)
    names : dict
        By id, where the class field or a second one has names.
    colors : dict
        By id, ``"#rrggbb"``, where a field of a colour's name has one for each class.

    Raises
    ------
    AmbiguousFileError
        Where the layer or the field is not known, with the choices.
    LabelsError
        Where scene or polygons have no position, classes are no ids, or no polygon covers a pixel.
    FileFormatError
        Where the file is damaged.
    """
    from rasterio import Affine
    from rasterio.features import rasterize

    if cube.transform is None:
        raise LabelsError(
            f"{path}: polygons need a scene with a position, which {cube.name} has not. Give the "
            "labels as a raster of its size."
        )
    features = _read(path, layer)
    chosen = field or _class_field(path, features)
    if chosen not in features.fields:
        raise LabelsError(
            f"{path}: there is no field {chosen!r}. Its fields are {', '.join(features.fields)}."
        )
    classes, names = _classes(path, features, chosen)
    shapes = [
        (geometry, c)
        for geometry, c in zip(_geometries(path, features, cube), classes, strict=True)
        if c > 0 and geometry is not None
    ]
    ids = np.zeros(cube.shape[:2], np.uint16)
    if shapes:
        ids = rasterize(
            shapes,
            out_shape=ids.shape,
            transform=Affine.from_gdal(*cube.transform),
            fill=0,
            dtype="uint16",
        )
    if not ids.any():
        raise LabelsError(
            f"{path}: none of its {len(classes)} polygons covers the centre of a pixel of "
            f"{cube.name}. Check that both show the same place."
        )
    told = _of_each(features, chosen, classes, COLOR_FIELDS)
    colors = {i: color.lower() for i, color in told.items() if COLOR.fullmatch(color)}
    return ids, names, colors


def _read(path: Path, layer: str | None) -> _Features:
    from pyogrio import list_layers
    from pyogrio.errors import DataLayerError, DataSourceError
    from pyogrio.raw import read

    try:
        layers = [str(name) for name, geometry in list_layers(path) if geometry is not None]
        if layer is None and len(layers) > 1:
            raise AmbiguousFileError(
                path,
                f"it has {len(layers)} layers: {', '.join(layers)}",
                f"Name one, e.g. {path.name}:{layers[0]}.",
                [Choice("variable", name, f"layer {name}") for name in layers],
            )
        meta, _, geometries, values = read(path, layer=layer, force_2d=True)
    except (DataSourceError, DataLayerError, UnicodeDecodeError) as error:
        raise FileFormatError(
            path, f"it cannot be read ({error})", "Give a GeoPackage, GeoJSON or shapefile."
        ) from error
    if geometries is None or len(geometries) == 0:
        raise FileFormatError(path, "it has no polygons", "Give a layer of label polygons.")
    return _Features(geometries, dict(zip(meta["fields"], values, strict=True)), meta["crs"])


def _class_field(path: Path, features: _Features) -> str:
    """Pick the field that is the class, where it is obvious."""
    by_name = {name.casefold(): name for name in features.fields}
    named = [by_name[name] for name in CLASS_FIELDS if name in by_name]
    if named:
        return named[0]
    if len(features.fields) == 1:
        return next(iter(features.fields))
    if "id" in by_name:
        values = features.fields[by_name["id"]]
        if np.unique(values.astype(str)).size < len(values):  # else it numbers the polygons
            return by_name["id"]
    raise AmbiguousFileError(
        path,
        "which of its fields is the class is not told"
        if features.fields
        else "its polygons have no fields",
        "Name the field with the class.",
        [Choice("field", name, _described(name, v)) for name, v in features.fields.items()],
    )


def _described(name: str, values: NDArray[Any]) -> str:
    distinct = list(dict.fromkeys(str(v) for v in values))
    return f"{name}: {', '.join(distinct[:5])}{' …' if len(distinct) > 5 else ''}"


def _classes(
    path: Path, features: _Features, field: str
) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Ids of the polygons, 0 for none, and the names of the classes as far as known."""
    values = features.fields[field]
    texts = ["" if v is None else str(v).strip() for v in values]
    if values.dtype.kind in "iufb":
        numbers = np.nan_to_num(values.astype(np.float64), nan=0.0)
    elif all(text.lstrip("+-").isdecimal() for text in texts if text):
        numbers = np.array([float(text or 0) for text in texts])
    else:
        known = sorted({text for text in texts if text})
        of_name = {name: i + 1 for i, name in enumerate(known)}
        ids = np.array([of_name.get(text, 0) for text in texts], np.int64)
        return ids, {i: name for name, i in of_name.items()}
    wrong = numbers[(numbers != np.round(numbers)) | (numbers > MAX_CLASS_ID)]
    if wrong.size:
        raise LabelsError(
            f"{path}: its field {field!r} holds {wrong[0]:g}; class ids are whole numbers up to "
            f"{MAX_CLASS_ID}. Name another field."
        )
    ids = np.maximum(numbers, 0).astype(np.int64)
    return ids, _of_each(features, field, ids, NAME_FIELDS)


def _of_each(
    features: _Features, field: str, ids: NDArray[np.int64], candidates: Sequence[str]
) -> dict[int, str]:
    """Return what another field says of each class, if it says exactly one thing of each."""
    by_name = {name.casefold(): name for name in features.fields}
    for candidate in candidates:
        if candidate in by_name and by_name[candidate] != field:
            pairs = {
                (int(i), str(v))
                for i, v in zip(ids, features.fields[by_name[candidate]], strict=True)
                if i > 0 and v is not None
            }
            if pairs and len(pairs) == len({i for i, _ in pairs}):
                return dict(pairs)
    return {}


def _geometries(path: Path, features: _Features, cube: Cube) -> Sequence[dict[str, Any] | None]:
    """Turn WKB into GeoJSON geometries in the cube's CRS.

    GDAL writes the GeoJSON in memory, so that no other library is needed to understand WKB.
    """
    from pyogrio.raw import write
    from rasterio.crs import CRS
    from rasterio.warp import transform_geom

    if (features.crs is None) != (cube.crs is None):
        without, other = (path, cube.name) if features.crs is None else (cube.name, path)
        raise LabelsError(
            f"{path}: {without} has no coordinate reference system, {other} has one. Give both "
            "one, e.g. the .prj file of a shapefile."
        )
    buffer = BytesIO()
    write(
        buffer,
        features.geometries,
        [],
        [],
        driver="GeoJSON",
        geometry_type="Unknown",
        layer="polygons",
        crs=features.crs,
        layer_options={"COORDINATE_PRECISION": "15"},
    )
    found = [feature["geometry"] for feature in json.loads(buffer.getvalue())["features"]]
    if features.crs is None or cube.crs is None:
        return found
    source, target = CRS.from_user_input(features.crs), CRS.from_user_input(cube.crs)
    return [g and transform_geom(source, target, g) for g in found]
