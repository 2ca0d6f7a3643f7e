"""What is being audited: the truth, the confusion matrix, and the pixels of its chosen cell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.audit.confusion import Cell, Confusion, confuse
from napari_ssamamba.audit.truth import Truth, TruthKind, find_truth
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from numpy.typing import NDArray

    from napari_ssamamba.audit.spectra import SpectralStatistics
    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.events import Progress
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.session.values import ShownMap


class AuditEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    confusion = Signal()
    """Truth, matrix, or what is missing for one."""
    cell = Signal()
    """The cell and its pixels; they go with the matrix."""
    position = Signal()
    spectrum = Signal()
    look_at = Signal(object)
    """Pixels to move the view to, shape (n, 2)."""


class AuditState:
    """Where the map of a session is wrong.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    truth : TruthKind
        What counts as truth: as chosen; else the reference, or held-out pixels without one.
    confusion : Confusion or None
        Without the pixels that are left out.
    cell : Cell or None
        The chosen one.
    pixels : ndarray of int32, shape (n, 2)
        Rows and columns of the cell's pixels, the most confident first.
    position : int or None
        Which of them is looked at.
    spectrum : SpectralStatistics or None
        Of the cell's pixels, as last computed.
    compared : ShownMap or None
        The map that the matrix is of; it may have been replaced since.
    compared_with : Truth or None
        The truth that the matrix is of.
    """

    def __init__(self, session: Session) -> None:
        self.events = AuditEvents()
        self._session = session
        self._chosen: TruthKind | None = None
        self._refusal = ""
        self._whole: Confusion | None = None
        self._naming = ClassTable()  # of the comparison that runs, or of the last one
        self._wrong: Mapping[tuple[int, int], int] = {}
        self.compared: ShownMap | None = None
        self.compared_with: Truth | None = None
        self.confusion: Confusion | None = None
        self.cell: Cell | None = None
        self.pixels: NDArray[np.int32] = np.empty((0, 2), np.int32)
        self.position: int | None = None
        self.spectrum: SpectralStatistics | None = None
        session.events.cube.connect(self._drop)
        session.events.reference.connect(self._reference_changed)
        session.events.map.connect(self._map_changed)
        session.events.picked.connect(self._picked)

    # --- the matrix ------------------------------------------------------------------------

    @property
    def truth(self) -> TruthKind:
        """What counts as truth."""
        default: TruthKind = "validation" if self._session.reference is None else "reference"
        return self._chosen or default

    @property
    def outdated(self) -> bool:
        """Whether labels, model or map changed since the matrix was computed."""
        shown = self._judged_by()
        current = shown is not None and shown is self.compared and not shown.outdated
        return self.confusion is not None and not current

    @property
    def remedy(self) -> str:
        """What makes an `outdated` matrix anew."""
        if self.truth == "training":
            return "check the labels again in the section Suspect labels"
        behind = self._session.learned.behind
        return "train again and map the scene" if behind else "map the scene again"

    def missing(self) -> str:
        """Say what is missing for a matrix and how to get it; empty where nothing is."""
        session = self._session
        if session.cube is None:
            return "No scene is open. Open one in the section Scene."
        if self.truth == "training":
            unchecked = "" if session.suspects.shown else "The labels are not checked yet."
            return self._refusal or session.suspects.missing() or unchecked
        if session.map is None and session.checkpoint is None:
            return (
                "No model yet. Label pixels of two or more classes, train in the section Train, "
                "then map the scene."
            )
        if session.map is None:
            return "No map yet. Map the scene in the section Map."
        if session.map.stopped:
            return (
                "The map was stopped. Continue it in the section Map: the matrix needs all of it."
            )
        if not session.map.complete:
            return "The map is being made. The matrix is there when the map is complete."
        return self._refusal

    def choose_truth(self, truth: TruthKind) -> None:
        """Choose what counts as truth; the matrix has to be computed anew."""
        self._chosen = truth
        self._drop()

    def confusion_run(self) -> Generator[Progress, None, Confusion] | None:
        """Return the comparison on a snapshot; None where something is `missing`."""
        session, self._refusal = self._session, ""
        shown = self._judged_by()
        if self.missing() or shown is None or session.labels is None:
            return None
        labels = LabelMap(session.labels, session.classes, "training labels")
        try:
            truth = find_truth(
                self.truth, labels, session.reference, session.checkpoint, session.need_cube()
            )
        except LabelsError as error:
            self._drop()
            self._refusal = str(error)
            self.events.confusion.emit()
            return None
        self.compared, self.compared_with = shown, truth
        others = tuple(c for c in shown.classes if c.id not in truth.classes)
        self._naming = ClassTable((*truth.classes, *others))
        return confuse(truth, shown.ids, shown.confidence, shown.classes)

    def _judged_by(self) -> ShownMap | None:
        """Return what the truth is compared with.

        Training labels are compared with what the others say of each one, not with a map that has
        learned from them.
        """
        session = self._session
        return session.suspects.shown if self.truth == "training" else session.map

    def set_confusion(self, confusion: Confusion | None) -> None:
        """Take the matrix that was computed; no cell of it is chosen yet."""
        if confusion is not None:  # classes may have other names by now
            confusion = _named(confusion, confusion.classes.named_as(self._naming))
        self._whole = confusion
        self.confusion = self._without_wrong()
        self.events.confusion.emit()
        self.choose_cell(None)

    def leave_out(self, wrong: Mapping[tuple[int, int], int]) -> None:
        """Let no pixel count whose truth was found wrong; the chosen cell stays.

        Parameters
        ----------
        wrong : mapping
            As for `Confusion.without`.
        """
        self._wrong = wrong
        self.confusion = self._without_wrong()
        self.events.confusion.emit()
        cell, self.cell = self.cell, None
        self.choose_cell(cell)

    def follow(self, before: LandClass, after: LandClass) -> None:
        """Name a class in the matrix as the class table does now; the chosen cell stays."""
        self._naming = self._naming.follow(before, after)
        if self.compared_with is not None:
            self.compared_with = self.compared_with.follow(before, after)
        if self._whole is not None:
            self._whole = _named(self._whole, self._whole.classes.follow(before, after))
            self.confusion = self._without_wrong()
            self.events.confusion.emit()

    def _without_wrong(self) -> Confusion | None:
        if self._whole is None or not self._wrong:
            return self._whole
        return self._whole.without(self._wrong)

    def _drop(self) -> None:
        self._refusal = ""
        self.set_confusion(None)

    def _reference_changed(self) -> None:
        if self._chosen in (None, "reference"):
            self._drop()

    def _map_changed(self) -> None:
        if self._session.map is None and self.confusion is not None:
            self._drop()
        else:
            self.events.confusion.emit()

    # --- the chosen pixels -----------------------------------------------------------------

    def choose_cell(self, cell: Cell | None) -> None:
        """Choose a cell, and with it its pixels; None chooses nothing."""
        if cell == self.cell and cell is None:
            return
        self.cell, self.position, self.spectrum = cell, None, None
        if cell is None or self.confusion is None:
            self.pixels = np.empty((0, 2), np.int32)
        else:
            self.pixels = self.confusion.pixels(cell)
        self.events.cell.emit()

    def choose_picked(self) -> None:
        """Choose the confusion that the picked pixel is one of, and go on from there.

        For clicks on the scene. A pixel that is mapped rightly, or does not count, chooses nothing.
        """
        picked, confusion = self._session.picked, self.confusion
        cell = None if picked is None or confusion is None else confusion.cell_at(picked)
        if cell is not None and cell.reference != cell.predicted and cell != self.cell:
            self.choose_cell(cell)
            self._picked()

    def step(self, by: int) -> None:
        """Look at the next pixel of the cell, or with −1 at the one before; the ends are joined.

        Where no cell is chosen, the worst confusion is.
        """
        if self.cell is None and self.confusion is not None and (worst := self.confusion.worst()):
            self.choose_cell(worst[0])
        n = len(self.pixels)
        if n == 0:
            return
        before = self.position if self.position is not None else (-1 if by > 0 else 0)
        self.go_to((before + by) % n)

    def go_to(self, position: int, cell: Cell | None = None) -> None:
        """Look at one of the cell's pixels, or of another's, which is chosen then."""
        if cell is not None and cell != self.cell:
            self.choose_cell(cell)
        self.position = position
        row, column = self.pixels[position].tolist()
        self._session.pick(row, column)
        self.events.position.emit()
        self.events.look_at.emit(self.pixels[position][None])

    def find(self, pixel: tuple[int, int], cell: Cell) -> None:
        """Look at a pixel of a cell, also where it is no longer in it."""
        pixels = self.confusion.pixels(cell) if self.confusion is not None else self.pixels[:0]
        found = np.flatnonzero((pixels == pixel).all(axis=1))
        if found.size:
            self.go_to(int(found[0]), cell)
        else:
            self.visit(pixel)

    def visit(self, pixel: tuple[int, int]) -> None:
        """Look at another pixel of the scene for a while; the position stays."""
        self._session.pick(*pixel)
        self.events.look_at.emit(np.array([pixel], np.int32))

    @property
    def looked_at(self) -> tuple[int, int] | None:
        """Row and column of the pixel that is looked at."""
        if self.position is None:
            return None
        row, column = self.pixels[self.position].tolist()
        return row, column

    def truth_everywhere(self) -> NDArray[np.uint16] | None:
        """Return the classes of the chosen truth, with the pixels that do not count."""
        reference = self._session.reference
        if self.truth == "reference":
            return None if reference is None else reference.ids
        return self._session.labels

    def confidence(self) -> float:
        """Return the map's confidence at the pixel looked at; NaN where none is."""
        if self.position is None or self.compared is None:
            return float("nan")
        return float(self.compared.confidence[tuple(self.pixels[self.position])])

    def look_at_all(self) -> None:
        """Move the view to where the cell's pixels are."""
        if len(self.pixels):
            self.events.look_at.emit(self.pixels)

    def _picked(self) -> None:
        """Go on from a pixel of the cell that is clicked on."""
        picked = self._session.picked
        if picked is None or self.cell is None:
            return
        found = np.flatnonzero((self.pixels == picked).all(axis=1))
        position = int(found[0]) if found.size else self.position
        if position != self.position:
            self.position = position
            self.events.position.emit()

    # --- their spectrum --------------------------------------------------------------------

    def spectrum_run(self) -> Generator[Progress, None, SpectralStatistics | None] | None:
        """Return the averaging of the cell's spectra; None where there is no pixel."""
        from napari_ssamamba.audit.spectra import pixel_spectra

        cube = self._session.cube
        if cube is None or not len(self.pixels):
            return None
        return pixel_spectra(cube, self.pixels, view=self._session.curves.view)

    def set_spectrum(self, spectrum: SpectralStatistics | None) -> None:
        """Take the mean spectrum that was computed."""
        self.spectrum = spectrum
        self.events.spectrum.emit()


def _named(confusion: Confusion, classes: ClassTable) -> Confusion:
    return replace(confusion, accuracy=replace(confusion.accuracy, classes=classes))
