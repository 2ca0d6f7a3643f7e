"""How well a map agrees with a reference where the model has not seen the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.training.metrics import Accuracy


def map_accuracy(
    predicted: NDArray[np.uint16], reference: LabelMap, checkpoint: Checkpoint, cube: Cube
) -> Generator[Progress, None, Accuracy]:
    """Compare a map with a reference; pixels trained or validated on do not count.

    In another scene than that which the model was trained on, all count.

    Parameters
    ----------
    predicted : ndarray of uint16, shape (rows, columns)
        The map, in the ids of the checkpoint's classes, which are matched by id.
    reference : LabelMap
    checkpoint : Checkpoint
        The model that the map was made with.
    cube : Cube
        The scene.

    Raises
    ------
    LabelsError
        Where no pixel is left to compare.
    """
    from napari_ssamamba.training.metrics import assess

    yield Progress(text="Comparing the map with the reference")
    ids = reference.ids.copy()
    ids[tuple(checkpoint.seen_pixels(cube).T)] = UNLABELLED
    others = tuple(c for c in checkpoint.classes if c.id not in reference.classes)
    return assess(ids, predicted, ClassTable((*reference.classes, *others)))


def without_wrong(
    accuracy: Accuracy,
    wrong: Mapping[tuple[int, int], int],
    predicted: NDArray[np.uint16],
    reference: LabelMap,
    checkpoint: Checkpoint,
    cube: Cube,
) -> tuple[Accuracy, int]:
    """Leave out pixels whose reference was found wrong.

    Parameters
    ----------
    accuracy : Accuracy
        What `map_accuracy` found for the others.
    wrong : mapping
        Row and column to the class that the pixel is not of; pixels that the reference gives
        another class count on.
    predicted, reference, checkpoint, cube
        See `map_accuracy`.

    Returns
    -------
    Accuracy
    left_out : int
        How many pixels that counted are left out.
    """
    from napari_ssamamba.training.metrics import accuracy_of

    counted = set(wrong) - set(map(tuple, checkpoint.seen_pixels(cube).tolist()))
    matrix, ids, left_out = accuracy.confusion.copy(), accuracy.classes.ids, 0
    for pixel in counted:
        true, mapped = int(reference.ids[pixel]), int(predicted[pixel])
        if true == wrong[pixel] and mapped != UNLABELLED:
            matrix[ids.index(true), ids.index(mapped)] -= 1
            left_out += 1
    return accuracy_of(matrix, accuracy.classes), left_out
