"""Names of classes: changed everywhere at once, and taken over from what was made before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_ssamamba.data.classes import ClassTable

if TYPE_CHECKING:
    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.session.session import Session


def follow_class(session: Session, before: LandClass, after: LandClass) -> None:
    """Name a class as the class table does now, wherever it is the same class.

    Another class that merely has its id, as one of an imported reference may, keeps its name. What
    was computed stays: nothing is outdated by a name.

    Parameters
    ----------
    session : Session
    before, after : LandClass
        With one id.
    """
    session.learning = session.learning.follow(before, after)
    if (truth := session.reference) is not None:
        session.reference = replace(truth, classes=truth.classes.follow(before, after))
    if (model := session.checkpoint) is not None:
        session.checkpoint = replace(model, classes=model.classes.follow(before, after))
    for shown in session.mapping.maps():
        if shown is not None:
            shown.classes = shown.classes.follow(before, after)
            if shown.checkpoint is model:
                shown.checkpoint = session.checkpoint
    session.suspects.follow(before, after)
    session.changes.follow(before, after)
    session.audit.follow(before, after)


def adopt_classes(session: Session, known: ClassTable) -> None:
    """Let classes of a model, map or other work be painted, where nothing is painted yet.

    Those of the table that contradict them go, the others stay.
    """
    if not len(known) or (session.labels is not None and session.labels.any()):
        return
    left = [c for c in session.classes if c.id not in known or c == known[c.id]]
    ids = {c.id for c in left}
    session.classes = ClassTable((*left, *(c for c in known if c.id not in ids)))
    session.events.classes.emit()  # once: layers take their time to be coloured
    session.select_class(known.ids[0])
