"""How well a map agrees with a reference where the model has not seen the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.training.metrics import Accuracy


def map_accuracy(
    predicted: NDArray[np.uint16], reference: LabelMap, checkpoint: Checkpoint
) -> Generator[Progress, None, Accuracy]:
    """Compare a map with a reference; pixels trained or validated on do not count.

    Parameters
    ----------
    predicted : ndarray of uint16, shape (rows, columns)
        The map, in the ids of the checkpoint's classes, which are matched by id.
    reference : LabelMap
    checkpoint : Checkpoint
        The model that the map was made with.

    Raises
    ------
    LabelsError
        Where no pixel is left to compare.
    """
    from napari_ssamamba.training.metrics import assess

    yield Progress(text="Comparing the map with the reference")
    ids = reference.ids.copy()
    for pixels in (checkpoint.training_pixels, checkpoint.validation_pixels):
        ids[pixels[:, 0], pixels[:, 1]] = UNLABELLED
    others = tuple(c for c in checkpoint.classes if c.id not in reference.classes)
    return assess(ids, predicted, ClassTable((*reference.classes, *others)))
