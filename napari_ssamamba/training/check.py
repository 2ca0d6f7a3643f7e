"""Labels checked before they are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.labels import count_labels
from napari_ssamamba.data.patches import read_spectra
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.training.config import TrainingConfig


def check_labels(
    cube: Cube, ids: NDArray[np.uint16], classes: ClassTable, config: TrainingConfig
) -> NDArray[np.int32]:
    """Refuse labels that cannot be trained on; only the labelled pixels are read.

    Parameters
    ----------
    cube : Cube
    ids : ndarray of uint16, shape (rows, columns)
        Class ids, 0 where there is no label.
    classes : ClassTable
    config : TrainingConfig
        Its `min_labels` is the least number of pixels of a class that has any.

    Returns
    -------
    ndarray of int32, shape (n, 2)
        Row and column of labels where nothing was measured: they do not count, and are to be left
        out.

    Raises
    ------
    LabelsError
        Labels of another shape than the scene, ids that the class table lacks, fewer than two
        classes with labels, or a class with too few pixels.
    """
    if ids.shape != (cube.rows, cube.columns):
        raise LabelsError(
            f"The labels have shape {ids.shape}, the scene {cube.name} has {cube.rows} rows and "
            f"{cube.columns} columns. Paint or import labels on the scene's own grid."
        )
    unknown = sorted({int(i) for i in np.unique(ids)} - {UNLABELLED, *classes.ids})
    if unknown:
        raise LabelsError(
            f"The labels hold ids that the class table lacks: {_listed(unknown)}. Add these "
            "classes to the table or erase their pixels."
        )
    pixels = np.argwhere(ids != UNLABELLED).astype(np.int32)
    missing = pixels[~has_measurement(read_spectra(cube, pixels))]
    measured = ids.copy()
    measured[tuple(missing.T)] = UNLABELLED
    but = f" {unmeasured_text(cube, missing)}" if len(missing) else ""
    counts = {i: n for i, n in count_labels(measured, classes).items() if n}
    if len(counts) < 2:
        found = f"Only {classes[next(iter(counts))].name!r} has" if counts else "No class has"
        raise LabelsError(f"{found} labelled pixels. Label at least two classes.{but}")
    few = [f"{classes[i].name!r} has {n}" for i, n in counts.items() if n < config.min_labels]
    if few:
        raise LabelsError(
            f"Too few labelled pixels: {_listed(few)}; each class needs {config.min_labels} or "
            f"more. Label more of it, or erase its pixels to leave it out.{but}"
        )
    return missing


def unmeasured_text(cube: Cube, missing: NDArray[np.int32]) -> str:
    """Say of labels where nothing was measured, shape (n, 2), that they do not count."""
    n, (row, column) = len(missing), missing[0]
    where = f"where {cube.name} has no measurement, the first at row {row}, column {column}"
    return (
        f"One labelled pixel does not count: it lies {where}."
        if n == 1
        else f"{n:,} labelled pixels do not count: they lie {where}."
    )


def _listed(items: list[str] | list[int]) -> str:
    """Join at most ten items to a list for a message."""
    shown = ", ".join(str(i) for i in items[:10])
    return shown if len(items) <= 10 else f"{shown} and {len(items) - 10} more"
