"""The pixels of a split that a training learns from: what is as large as a scene ends here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import Notice
from napari_ssamamba.training.check import check_labels, unmeasured_text
from napari_ssamamba.training.learner import NO_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.training.config import TrainingConfig


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPixels:
    """Pixels that are learned from, and others that validate.

    Attributes
    ----------
    outputs : ClassTable
        Classes with a pixel that is learned from.
    train, validation : ndarray of int32, shape (n, 2) and (m, 2)
        Row and column.
    training_ids : ndarray of int32, shape (n,)
        Their class ids.
    targets : ndarray of int64, shape (n + m,)
        Number of the output that each of the first, then each of the others stands for;
        `NO_OUTPUT` where there is none.
    description : str
        Of the split.
    """

    outputs: ClassTable
    train: NDArray[np.int32]
    validation: NDArray[np.int32]
    training_ids: NDArray[np.int32]
    targets: NDArray[np.int64]
    description: str

    @property
    def all(self) -> NDArray[np.int32]:
        """All of them, shape (n + m, 2)."""
        return np.concatenate((self.train, self.validation))


def measured_split(
    cube: Cube, split: Split, classes: ClassTable, config: TrainingConfig
) -> Generator[Notice, None, Split]:
    """Check the labels of a split that are learned from or validate; leave out the unmeasured.

    Parameters
    ----------
    cube : Cube
        The labelled pixels are read.
    split : Split
    classes : ClassTable
    config : TrainingConfig

    Yields
    ------
    Notice
        Where labels do not count, as nothing was measured there.

    Raises
    ------
    LabelsError
        As `check_labels` does.
    """
    learned = np.where(split.train | split.validation, split.ids, np.uint16(UNLABELLED))
    missing = check_labels(cube, learned, classes, config)
    if not len(missing):
        return split
    yield Notice(text=unmeasured_text(cube, missing))
    return split.without(missing)


def labelled_pixels(
    cube: Cube, split: Split, classes: ClassTable, config: TrainingConfig
) -> Generator[Notice, None, LabelledPixels]:
    """Find a split's pixels, after `measured_split`.

    Raises
    ------
    LabelsError
        As that does, and where fewer than two classes have pixels to learn from.
    """
    split = yield from measured_split(cube, split, classes, config)
    training_ids = split.ids[split.train]
    present = {int(i) for i in np.unique(training_ids)}
    outputs = ClassTable(tuple(c for c in classes if c.id in present))
    if len(outputs) < 2:
        raise LabelsError(
            f"Classes with training pixels: {len(outputs)} ({split.description}). Training needs "
            "two or more: label more, or choose another split."
        )
    return LabelledPixels(
        outputs=outputs,
        train=np.argwhere(split.train).astype(np.int32),
        validation=np.argwhere(split.validation).astype(np.int32),
        training_ids=training_ids.astype(np.int32),
        targets=_targets(np.concatenate((training_ids, split.ids[split.validation])), outputs),
        description=split.description,
    )


def _targets(ids: NDArray[np.uint16], outputs: ClassTable) -> NDArray[np.int64]:
    """Return the output that each class id stands for."""
    output = np.full(max(outputs.ids) + 1, NO_OUTPUT, np.int64)
    output[list(outputs.ids)] = np.arange(len(outputs))
    return np.where(ids <= max(outputs.ids), output[np.minimum(ids, max(outputs.ids))], NO_OUTPUT)
