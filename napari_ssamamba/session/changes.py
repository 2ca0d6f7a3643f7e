"""What a training changed in the map: the map before it is kept, and compared with the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.audit.changes import MapChanges, compare_maps
from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.truth import Truth
    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.session.session import Session


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """The map as it was when a training began.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        The map's own, by which it is known again.
    classes : ClassTable
    truth : Truth or None
        What it was compared with.
    decided : ndarray of int32, shape (n, 2)
        Pixels that were decided about until then.
    """

    ids: NDArray[np.uint16]
    classes: ClassTable
    truth: Truth | None
    decided: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingChanges:
    """What a training changed in the map.

    Attributes
    ----------
    found : MapChanges
    classes : ClassTable
        Of the maps and the truth.
    truth : str
        Name of what fixed and broken are counted by; empty where nothing was compared before.
    left_out : int
        Pixels of that truth that are not counted: trained on now, held out now, or decided about.
    """

    found: MapChanges
    classes: ClassTable
    truth: str
    left_out: int


class ChangesEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    found = Signal()


class SessionChanges:
    """Keeps the map from before a training, until the map after it is there.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    before : Before or None
    found : TrainingChanges or None
        Of the last training.
    """

    def __init__(self, session: Session) -> None:
        self.events = ChangesEvents()
        self.before: Before | None = None
        self.found: TrainingChanges | None = None
        self._compared: Before | None = None  # by the comparison that runs, or the last one
        self._naming = ClassTable()  # of that comparison
        self._session = session
        session.events.cube.connect(self._scene_changed)

    def keep_before(self) -> None:
        """Keep the map as it is, where it is complete.

        One that is kept already stays, unless it is being compared with the map since.
        """
        session, audit = self._session, self._session.audit
        waits = self.before is not None and self.before is not self._compared
        if waits or session.map is None or not session.map.complete:
            return
        compared = audit.confusion is not None and audit.compared is session.map
        self.before = Before(
            ids=session.map.ids,
            classes=session.map.classes,
            truth=audit.compared_with if compared else None,
            decided=np.array([d.pixel for d in session.decisions.made], np.int32).reshape(-1, 2),
        )

    def forget_before(self) -> None:
        """Drop what is kept: there was no training after all."""
        self.before = None

    def follow(self, before: LandClass, after: LandClass) -> None:
        """Name a class as the class table does now."""
        self._naming = self._naming.follow(before, after)
        if (kept := self.before) is not None:
            truth = None if kept.truth is None else kept.truth.follow(before, after)
            self.before = replace(kept, classes=kept.classes.follow(before, after), truth=truth)
            if self._compared is kept:
                self._compared = self.before
        if (found := self.found) is not None:
            self.found = replace(found, classes=found.classes.follow(before, after))
            self.events.found.emit()

    def run(self) -> Generator[Progress, None, TrainingChanges] | None:
        """Return the comparison with a map made since; None where there is none."""
        session, before = self._session, self.before
        shown, checkpoint = session.map, session.checkpoint
        if before is None or shown is None or checkpoint is None:
            return None
        if not shown.complete or shown.ids is before.ids:
            return None
        learned = [checkpoint.training_pixels, before.decided]
        if before.truth is not None and before.truth.kind == "reference":
            learned.append(checkpoint.validation_pixels)
        known = {c.id: c for c in (before.truth.classes if before.truth else ())}
        known |= {c.id: c for c in (*before.classes, *shown.classes)}
        self._compared, self._naming = before, ClassTable(tuple(known.values()))
        return _compare(before, shown.ids, self._naming, np.concatenate(learned))

    def take(self, found: TrainingChanges) -> None:
        """Take what was found; the next training is compared with the map as it is then."""
        if self.before is self._compared:  # else a training began since
            self.before = None
        self._compared = None
        self.found = replace(found, classes=found.classes.named_as(self._naming))
        self.events.found.emit()

    def _scene_changed(self) -> None:
        self.before = self.found = self._compared = None
        self.events.found.emit()


def _compare(
    before: Before,
    after: NDArray[np.uint16],
    classes: ClassTable,
    learned: NDArray[np.int32],
) -> Generator[Progress, None, TrainingChanges]:
    """Compare the maps on what counted before, but for the pixels that are learned now."""
    yield Progress(text="Comparing the map with the one before")
    truth = (
        np.full_like(before.ids, UNLABELLED) if before.truth is None else before.truth.ids.copy()
    )
    counted = np.count_nonzero(truth)
    truth[tuple(learned.T)] = UNLABELLED
    return TrainingChanges(
        found=compare_maps(before.ids, after, truth),
        classes=classes,
        truth="" if before.truth is None else before.truth.name,
        left_out=int(counted - np.count_nonzero(truth)),
    )
