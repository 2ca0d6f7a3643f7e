"""Pictures of a scene and its maps: small enough for a page, unlabelled pixels transparent."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.classes import ClassTable, LandClass
    from napari_ssamamba.report.findings import AuditCase, Findings

Number = TypeVar("Number", bound=np.generic)

LONGEST_SIDE = 1200
"""Pixels of a picture; of larger scenes every n-th pixel is shown."""

RIGHT, WRONG, LEARNED = "#0072b2", "#d55e00", "#8a8a8a"
"""Pixels that are right and wrong, in two colours that the colour-blind tell apart, and those
that were learned from."""

CROP_REACH = 10
"""Pixels around the one that a crop is about."""

CROP_ZOOM = 10
"""Side of a scene's pixel in a crop."""

SOLID, DASHED = (0, 3), (4, 7)
"""Where the outlines of reference and map run, in pixels of the crop from the outlined area's
edge inwards; a dark line lies between them."""

DASH, PERIOD = 8, 12
"""Length of a dash, and of a dash and the gap after it, in pixels of the crop."""

DARK, BRIGHT = (16, 16, 16, 255), (255, 255, 255, 255)


def colour_values(colour: str) -> tuple[int, int, int]:
    """Read ``"#rrggbb"``."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def step_for(shape: tuple[int, ...]) -> int:
    """Return n of the n-th pixels that are shown of a scene, rows and columns first."""
    return -(-max(shape[:2]) // LONGEST_SIDE)


def class_picture(ids: NDArray[np.uint16], classes: ClassTable) -> NDArray[np.uint8]:
    """Paint class ids in the table's colours, every n-th pixel.

    Parameters
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        Every id but 0 is in the table.
    classes : ClassTable

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 4)
    """
    step = step_for(ids.shape)
    colours = np.zeros((max(classes.ids, default=UNLABELLED) + 1, 4), np.uint8)
    for land_class in classes:
        colours[land_class.id] = *colour_values(land_class.color), 255
    return np.asarray(colours[ids[::step, ::step]])


def error_picture(findings: Findings) -> NDArray[np.uint8]:
    """Paint what is right, what is wrong, and what was learned from.

    Of a large scene, a pixel of the picture stands for several: it shows an error where there is
    one among them.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 4)
    """
    case = findings.case
    shape, step = case.truth.ids.shape, step_for(case.truth.ids.shape)
    columns = shape[1]
    small = (-(-shape[0] // step), -(-columns // step))
    picture = np.zeros((*small, 4), np.uint8)

    def paint(rows: NDArray[np.intp], across: NDArray[np.intp], colour: str) -> None:
        picture[rows // step, across // step] = *colour_values(colour), 255

    seen = case.checkpoint.seen_pixels(case.cube).astype(np.intp)
    paint(seen[:, 0], seen[:, 1], LEARNED)
    for agrees, colour in ((True, RIGHT), (False, WRONG)):
        rows, across = np.divmod(findings.confusion.order[findings.right == agrees], columns)
        paint(rows, across, colour)
    return picture


def crop(
    case: AuditCase,
    composite: NDArray[np.uint8],
    pixel: tuple[int, int],
    reference: LandClass,
    predicted: LandClass,
) -> NDArray[np.uint8]:
    """Cut a pixel's surroundings from the composite, with the outlines of two classes.

    Parameters
    ----------
    case : AuditCase
    composite : ndarray of uint8, shape (rows, columns, 4)
        Of the whole scene.
    pixel : tuple of int
        Row and column; it is framed.
    reference : LandClass
        Outlined where the reference has it, by a solid line.
    predicted : LandClass
        Outlined where the map has it, by a dashed line.

    Returns
    -------
    ndarray of uint8, shape (side, side, 4)
        Transparent beyond the scene's border.
    """
    cut = _surroundings(composite, pixel)
    picture = cut.repeat(CROP_ZOOM, axis=0).repeat(CROP_ZOOM, axis=1)
    side = len(picture)
    dashes = np.add.outer(np.arange(side), np.arange(side)) % PERIOD < DASH
    for ids, land_class, (near, far), drawn in (
        (case.reference.ids, reference, SOLID, np.ones_like(dashes)),
        (case.class_map.ids, predicted, DASHED, dashes),
    ):
        depth = _depth(_surroundings(ids, pixel) == land_class.id)
        line = (depth > near) & (depth <= far)
        picture[(depth > near) & (depth <= far + 1)] = DARK
        picture[line & drawn] = *colour_values(land_class.color), 255
    for reach, colour in ((2, DARK), (1, BRIGHT)):
        _frame(picture, reach, colour)
    return np.asarray(picture)


def png_data(picture: NDArray[np.uint8]) -> str:
    """Return a picture as the address of itself, ``data:image/png;base64,…``."""
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, picture, format="png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _surroundings(values: NDArray[Number], pixel: tuple[int, int]) -> NDArray[Number]:
    """Cut the square around a pixel, with zeros beyond the scene's border."""
    side, row0, column0 = 2 * CROP_REACH + 1, pixel[0] - CROP_REACH, pixel[1] - CROP_REACH
    cut = np.zeros((side, side, *values.shape[2:]), values.dtype)
    rows = slice(max(row0, 0), min(row0 + side, values.shape[0]))
    columns = slice(max(column0, 0), min(column0 + side, values.shape[1]))
    inside = slice(rows.start - row0, rows.stop - row0)
    across = slice(columns.start - column0, columns.stop - column0)
    cut[inside, across] = values[rows, columns]
    return cut


def _depth(area: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Tell how deep in an area each pixel of the crop lies; the crop's own edge is no edge."""
    from scipy.ndimage import distance_transform_cdt

    around = np.pad(area, 1, mode="edge").repeat(CROP_ZOOM, axis=0).repeat(CROP_ZOOM, axis=1)
    if around.all():
        return np.full(np.array(area.shape) * CROP_ZOOM, around.size, np.int32)
    inner = slice(CROP_ZOOM, -CROP_ZOOM)
    return np.asarray(distance_transform_cdt(around, metric="chessboard")[inner, inner])


def _frame(picture: NDArray[np.uint8], reach: int, colour: tuple[int, ...]) -> None:
    """Draw a line around the middle pixel of a crop, so far out."""
    low = CROP_REACH * CROP_ZOOM - reach
    high = (CROP_REACH + 1) * CROP_ZOOM + reach - 1
    for edge in (low, high):
        picture[edge, low : high + 1] = colour
        picture[low : high + 1, edge] = colour
