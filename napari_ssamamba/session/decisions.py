"""What was decided about the errors that were looked at: listed, and undone step by step."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from psygnal import Signal, SignalGroup

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.audit.decision import Decision, DecisionKind
from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.session.session import Session

COLUMNS = ("row", "column", "reference", "mapped as", "decision", "training label")
"""Of the table that `Decisions.export` writes."""


class DecisionEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    made = Signal()
    """A decision more, or fewer."""


class Decisions:
    """Decides about the pixel that the audit looks at, and goes on to the next.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    made : list of Decision
        In the order in which they were made; another list takes its place with another scene.
    """

    def __init__(self, session: Session) -> None:
        self.events = DecisionEvents()
        self.made: list[Decision] = []
        self._classes: dict[int, LandClass] = {}
        self._session = session
        session.events.cube.connect(self._drop)

    # --- deciding --------------------------------------------------------------------------

    def refusal(self, kind: DecisionKind) -> str:
        """Say why a decision cannot be made now; empty where it can."""
        audit = self._session.audit
        if audit.looked_at is None or audit.cell is None:
            return "No error is looked at. Step to one first: N goes to the next."
        if kind == "accepted" and audit.truth != "reference":
            return (
                "The truth is the painted labels, so this pixel's label is there already. "
                "Relabel it, or compare with a reference."
            )
        return ""

    def accept(self) -> None:
        """Put the reference's class into the training labels."""
        cell = self._session.audit.cell
        self._decide("accepted", UNLABELLED if cell is None else cell.reference)

    def relabel(self, id: int) -> None:
        """Put another class into the training labels."""
        self._decide("relabelled", id)

    def mark_wrong(self) -> None:
        """Let the pixel no longer count as truth.

        Where the truth is the training labels, its label is erased.
        """
        self._decide("marked wrong", None)

    def skip(self) -> None:
        """Leave the pixel as it is."""
        self._decide("skipped", None)

    def _decide(self, kind: DecisionKind, label: int | None) -> None:
        session, audit = self._session, self._session.audit
        if refusal := self.refusal(kind):
            raise LabelsError(refusal)
        if audit.cell is None or audit.looked_at is None or session.labels is None:
            return
        self._remember_classes()
        pixel, cell = audit.looked_at, audit.cell
        before = int(session.labels[pixel])
        if label is None:
            erases = kind == "marked wrong" and audit.truth != "reference"
            label = UNLABELLED if erases else before
        elif label not in session.classes:
            session.take_class(self.land_class(label))
        self._make(Decision(*pixel, cell.reference, cell.predicted, kind, before, label))
        position = audit.position or 0
        if kind == "marked wrong":
            self._leave_out()
            position -= 1  # the next pixel has taken its place
        self.events.made.emit()
        self._go_on(position)

    def label(self, pixel: tuple[int, int], mapped: int, id: int | None) -> None:
        """Label a pixel that is no error of the matrix.

        Parameters
        ----------
        pixel : tuple of int
            Row and column.
        mapped : int
            Class id that the map gives it.
        id : int or None
            Its class from now on, 0 to take its label away; None leaves it as it is.
        """
        session = self._session
        if session.labels is None:
            return
        self._remember_classes()
        before = int(session.labels[pixel])
        kind: DecisionKind = "skipped"
        if id is not None:
            kind = "relabelled" if before else "labelled"
            kind = kind if id else "label removed"
        label = before if id is None else id
        self._make(Decision(*pixel, before, mapped, kind, before, label))
        self.events.made.emit()

    def _remember_classes(self) -> None:
        """Keep the classes that decisions are about, whose tables may go."""
        shown = self._session.map
        mapped = () if shown is None else shown.classes
        self._classes |= {c.id: c for c in (*mapped, *self.choices())}

    def _make(self, decision: Decision) -> None:
        self.made.append(decision)
        self._write(decision.pixel, decision.label)

    def _go_on(self, position: int) -> None:
        """Look at the next pixel of the cell that nothing was decided about, else at the next."""
        audit = self._session.audit
        n, decided = len(audit.pixels), {d.pixel for d in self.made}
        following = ((position + by) % n for by in range(1, n + 1))
        undecided = (i for i in following if tuple(audit.pixels[i].tolist()) not in decided)
        if n:
            audit.go_to(next(undecided, (position + 1) % n))

    def _write(self, pixel: tuple[int, int], label: int) -> None:
        labels = self._session.labels
        if labels is not None and labels[pixel] != label:
            labels[pixel] = label
            self._session.labels_painted()

    # --- what was decided ------------------------------------------------------------------

    def wrong(self) -> dict[tuple[int, int], int]:
        """Return the pixels whose truth was found wrong, and the class that they are not of."""
        return {d.pixel: d.reference for d in self.made if d.kind == "marked wrong"}

    def _leave_out(self) -> None:
        """Let the pixels whose truth was found wrong count nowhere."""
        self._session.audit.leave_out(self.wrong())
        self._session.mapping.leave_out(self.wrong())

    def about(self, pixel: tuple[int, int]) -> Decision | None:
        """Return the last decision about a pixel."""
        return next((d for d in reversed(self.made) if d.pixel == pixel), None)

    def choices(self) -> list[LandClass]:
        """Return the classes to relabel with: those of the labels, then others of the matrix."""
        session, confusion = self._session, self._session.audit.confusion
        others = () if confusion is None else confusion.classes
        return [*session.classes, *(c for c in others if c.id not in session.classes)]

    def land_class(self, id: int) -> LandClass:
        """Return a class that a decision is about, also where its table is gone."""
        classes = self._session.classes
        return classes[id] if id in classes else self._classes[id]

    def undo(self) -> None:
        """Take the last decision back: label, mark and position are what they were before it.

        A label that was painted over since then stays as it was painted.
        """
        if not self.made:
            return
        audit, labels = self._session.audit, self._session.labels
        decision = self.made.pop()
        if labels is not None and labels[decision.pixel] == decision.label:
            self._write(decision.pixel, decision.label_before)
        if decision.kind == "marked wrong":
            self._leave_out()
        self.events.made.emit()
        audit.find(decision.pixel, Cell(decision.reference, decision.mapped))

    def export(self, path: Path) -> None:
        """Write the decisions as CSV, with the classes' names."""
        with written_whole(path.parent) as folder:
            with (folder / path.name).open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file)
                table.writerow(COLUMNS)
                for d in self.made:
                    ids = d.reference, d.mapped, d.label
                    truth, mapped, label = (self.land_class(i).name if i else "" for i in ids)
                    table.writerow([d.row, d.column, truth, mapped, d.kind, label])

    def classes(self) -> list[LandClass]:
        """Return the classes that decisions are about, also where their table is gone."""
        ids = {id for d in self.made for id in (d.reference, d.mapped, d.label, d.label_before)}
        known = {*self._session.classes.ids, *self._classes}
        return [self.land_class(id) for id in sorted(ids & known)]

    def restore(self, made: Sequence[Decision], classes: Iterable[LandClass]) -> None:
        """Take decisions that were made before; the labels stay as they are.

        Parameters
        ----------
        made : sequence of Decision
            About pixels of the scene.
        classes : iterable of LandClass
            That they are about.
        """
        self._classes |= {c.id: c for c in classes}
        self.made = list(made)
        self._leave_out()
        self.events.made.emit()

    def _drop(self) -> None:
        self.made = []
        self._leave_out()
        self.events.made.emit()
