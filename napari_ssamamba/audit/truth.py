"""What counts as truth when a map is audited: a choice, and always named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable, LandClass
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap

TruthKind = Literal["validation", "reference", "training"]

TRUTH_NAMES: dict[TruthKind, str] = {
    "validation": "Held-out validation pixels",
    "reference": "Reference pixels not trained on",
    "training": "Training labels, out of fold",
}

TRUTH_MEANINGS: dict[TruthKind, str] = {
    "validation": (
        "Labels that the model did not learn from, but by which it was chosen: a little optimistic"
    ),
    "reference": "All of the reference but the pixels that were trained or validated on",
    "training": (
        "The painted labels, at most 1000 a class, each compared not with the map but with what "
        "is said of it by network and expert, or whom the section Suspect labels asks, when they "
        "learn from the others only: an error marks a label that may be wrong"
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The pixels that count, and their classes.

    Attributes
    ----------
    kind : {"validation", "reference", "training"}
    name : str
        What it is and where it comes from, for reports.
    ids : ndarray of uint16, shape (rows, columns)
        Class ids; 0 where a pixel does not count.
    classes : ClassTable
    """

    kind: TruthKind
    name: str
    ids: NDArray[np.uint16]
    classes: ClassTable

    def follow(self, before: LandClass, after: LandClass) -> Truth:
        """Name a class as another table did, see `ClassTable.follow`."""
        return replace(self, classes=self.classes.follow(before, after))


def find_truth(
    kind: TruthKind,
    labels: LabelMap,
    reference: LabelMap | None,
    checkpoint: Checkpoint | None,
    cube: Cube,
) -> Truth:
    """Return the pixels that count.

    Parameters
    ----------
    kind : {"validation", "reference", "training"}
    labels : LabelMap
        The painted labels as they are now. Held-out pixels whose label was erased since the
        training do not count, and those that were relabelled have their new class.
    reference : LabelMap or None
    checkpoint : Checkpoint or None
    cube : Cube
        The scene; the model's pixels count as such where it was trained on this one.

    Raises
    ------
    LabelsError
        Where there is no such pixel; it says how to get some.
    """
    name = TRUTH_NAMES[kind]
    if kind == "training":
        ids, classes = labels.ids.copy(), labels.classes
        empty = "No pixel is labelled. Paint or import labels in the section Classes."
    elif kind == "reference":
        if reference is None:
            raise LabelsError(
                "No reference is open. Import one in the section Classes, or choose another truth "
                "in the section Audit."
            )
        ids, classes = reference.ids.copy(), reference.classes
        name += f" ({reference.name})"
        if checkpoint is not None:
            ids[tuple(checkpoint.seen_pixels(cube).T)] = UNLABELLED
        empty = (
            f"{reference.name}: the model was trained on all pixels of the reference. Train on "
            "fewer of them, or choose another truth in the section Audit."
        )
    else:
        ids, classes = np.full_like(labels.ids, UNLABELLED), labels.classes
        if checkpoint is not None and checkpoint.is_of(cube):
            at = tuple(checkpoint.validation_pixels.T)
            ids[at] = labels.ids[at]
        empty = (
            "No labelled pixel of this scene was held out to validate. Set “Held out” in the "
            "section Train and train again, or choose another truth in the section Audit."
        )
    if not ids.any():
        raise LabelsError(empty)
    return Truth(kind, name, ids, classes)
