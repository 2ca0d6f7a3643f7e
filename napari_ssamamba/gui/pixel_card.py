"""What there is to know about the error that is looked at, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.crop_model import SIDE, crop_pixmap
from napari_ssamamba.gui.error_attention import ErrorAttention
from napari_ssamamba.gui.error_spectrum import ErrorSpectrum

if TYPE_CHECKING:
    from napari_ssamamba.audit.nearest_labels import NearPixel
    from napari_ssamamba.session import Session
    from napari_ssamamba.session.evidence import PixelEvidence

READING = "Reading the probabilities…"
NO_MODEL = "No model of these bands: train one to see probabilities."

SCALE = 4
"""Screen pixels a pixel of the scene."""


class PixelCard(QWidget):
    """The crop, probabilities, attention and spectrum, and training pixels of the map's class.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.crop = QLabel()
        self.crop.setFixedSize(SIDE * SCALE, SIDE * SCALE)
        self.crop.setToolTip(
            "The scene around the pixel; outlined are the reference, outside, and the map's class, "
            "inside, in their colours"
        )
        self.crop.setAccessibleName("Image around the pixel")
        self.probabilities = QLabel()
        self.probabilities.setToolTip(
            "The model's most probable classes for this pixel, with the probabilities that the map "
            "is made from"
        )
        self.nearest = QLabel()
        self.nearest.setWordWrap(True)
        self.nearest.setTextFormat(Qt.TextFormat.RichText)
        self.nearest.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.nearest.setToolTip(
            "Training pixels of the class that the map gives: the three nearest, and the one with "
            "the most similar spectrum. A click flies there; distance in pixels, spectral angle in "
            "degrees"
        )
        self.nearest.linkActivated.connect(self._visit)
        self.attention = ErrorAttention(session)
        self.spectrum = ErrorSpectrum(session)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.crop, 0, 0, Qt.AlignmentFlag.AlignTop)
        facts = QVBoxLayout()
        facts.addWidget(self.probabilities)
        facts.addStretch(1)
        facts.addWidget(self.attention)
        layout.addLayout(facts, 0, 1)
        layout.addWidget(self.spectrum, 1, 0, 1, 2)
        layout.addWidget(self.nearest, 2, 0, 1, 2)
        layout.setColumnStretch(1, 1)
        audit, events = session.audit.events, session.events
        connect(self._show, audit.position, audit.cell, audit.confusion, events.composite)
        connect(self._show_evidence, session.evidence.events.pixel)
        self._show()

    def _visit(self, place: str) -> None:
        row, column = place.split(",")
        self._session.audit.visit((int(row), int(column)))

    def _show(self) -> None:
        audit = self._session.audit
        pixel, cell = audit.looked_at, audit.cell
        self.setVisible(pixel is not None)
        if pixel is not None and cell is not None:
            self.crop.setPixmap(crop_pixmap(self._session, pixel, cell, SIDE, SCALE))
        self._show_evidence()

    def _show_evidence(self) -> None:
        evidence = self._session.evidence.pixel
        if evidence is None or evidence.pixel != self._session.audit.looked_at:
            waits = self._session.evidence.model() is not None
            self.probabilities.setText(READING if waits else NO_MODEL)
            self.nearest.setText("")
            return
        decisions = self._session.decisions
        names = {c.id: c.name for c in decisions.choices()}
        lines = [f"{p:.2f}  {names.get(i, i)}" for i, p in evidence.most_probable]
        self.probabilities.setText("\n".join(lines) or "Not measured: no probabilities.")
        self.nearest.setText(self._nearest_text(evidence, names.get(evidence.predicted, "")))

    def _nearest_text(self, evidence: PixelEvidence, name: str) -> str:
        """Name the nearest training pixels, as links."""
        if not evidence.nearest:
            return f"No training pixel of {name} in this scene."
        *near, similar = evidence.nearest
        most = f" of {evidence.compared:,} compared" if evidence.compared < evidence.trained else ""
        lines = [self._link(n) for n in near]
        lines.append(f"{self._link(similar)}, most similar{most}")
        return f"Training pixels of {name} ({evidence.trained:,}):<br>" + "<br>".join(lines)

    def _link(self, near: NearPixel) -> str:
        color = self.palette().color(QPalette.ColorRole.WindowText).name()
        return (
            f'<a style="color: {color}" href="{near.row},{near.column}">'
            f"row {near.row}, column {near.column}</a>: {near.distance:.1f} px, {near.angle:.1f}°"
        )

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._show_evidence()
        super().changeEvent(event)
