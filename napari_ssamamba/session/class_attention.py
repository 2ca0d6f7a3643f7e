"""The mean attention of one class's pixels, as it is shown: those mapped right beside the wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.data.classes import ClassTable

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.audit.class_attention import ClassAttention
    from napari_ssamamba.audit.confusion import Confusion
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.events import Progress
    from napari_ssamamba.session.session import Session


class ClassAttentionEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    found = Signal()
    chosen = Signal()
    """Another class, or other classes to choose from."""


class SessionClassAttention:
    """The mean attention of a class of the confusion matrix.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    id : int or None
        Class id: as chosen, else that of the audited cell's row; None where there is no class.
    found : ClassAttention or None
        None before it was computed.
    """

    def __init__(self, session: Session) -> None:
        self.events = ClassAttentionEvents()
        self.id: int | None = None
        self.found: ClassAttention | None = None
        self._session = session
        self._of: tuple[Confusion, Checkpoint, int] | None = None
        session.audit.events.confusion.connect(self._classes_changed)
        session.audit.events.cell.connect(self._cell_chosen)
        session.events.checkpoint.connect(self._classes_changed)

    def missing(self) -> str:
        """Say what is missing before there can be means; empty where nothing is."""
        session = self._session
        if (missing := session.attention.missing()) is not None:
            return missing
        if session.audit.confusion is None:
            return session.audit.missing() or "The map is being compared with the truth."
        return ""

    def classes(self) -> ClassTable | None:
        """Return the classes of the matrix that the truth has pixels of; None without a matrix."""
        confusion = self._session.audit.confusion
        if confusion is None:
            return None
        table, counts = confusion.classes, confusion.matrix.sum(axis=1)
        return ClassTable(tuple(c for c, n in zip(table, counts, strict=True) if n))

    def choose(self, id: int) -> None:
        """Choose a class."""
        if id != self.id:
            self.id = id
            self.events.chosen.emit()

    def run(self) -> Generator[Progress, None, ClassAttention] | None:
        """Return the averaging for the class; None where it is done or something is `missing`."""
        from napari_ssamamba.audit.class_attention import class_attention

        session, confusion = self._session, self._session.audit.confusion
        reader, cube, id = session.attention.reader(), session.cube, self.id
        if self.missing() or confusion is None or reader is None or cube is None or id is None:
            return None
        key = confusion, reader.checkpoint, id
        if self._of is not None and all(a is b for a, b in zip(key, self._of, strict=True)):
            return None
        self._of = key
        self._take(None)
        others = [Cell(id, other) for other in confusion.classes.ids if other != id]
        wrong = [np.empty((0, 2), np.int32), *map(confusion.pixels, others)]
        right = confusion.pixels(Cell(id, id))
        return class_attention(reader, cube, id, right, np.concatenate(wrong))

    def set_found(self, found: ClassAttention) -> None:
        """Take the means that were computed."""
        self._take(found)

    @property
    def asked(self) -> object:
        """What the last `run` computes, to know it again."""
        return self._of

    def forget(self, asked: object) -> None:
        """Let the next `run` compute what was `asked` anew, as that was not finished."""
        if self._of is asked and self.found is None:
            self._of = None

    def _take(self, found: ClassAttention | None) -> None:
        self.found = found
        self.events.found.emit()

    def _classes_changed(self) -> None:
        classes = self.classes()
        ids = () if classes is None else classes.ids
        if self.id not in ids:
            self.id = next(iter(ids), None)
            if self.id is None:
                self._of = None
                self._take(None)
        self.events.chosen.emit()

    def _cell_chosen(self) -> None:
        cell, classes = self._session.audit.cell, self.classes()
        if cell is not None and classes is not None and cell.reference in classes:
            self.choose(cell.reference)
