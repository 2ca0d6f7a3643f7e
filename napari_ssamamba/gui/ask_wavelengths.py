"""A question for the band centres of a scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.data.band_lists import (
    BandList,
    list_beside,
    parse_band_list,
    read_band_list,
)
from napari_ssamamba.data.wavelengths import to_nm

if TYPE_CHECKING:
    from napari_ssamamba.data.cube import Cube

UNITS = {"as recognised": None, "nm": "nm", "µm": "µm"}
LISTS = "Lists (*.txt *.csv);;All files (*)"
USUAL_NM = 400.0, 2500.0
"""Where most imaging spectrometers begin and end."""

LONGEST = 50_000.0


class AskWavelengths(QDialog):
    """Let the user state a scene's band centres: first and last, a list, or a file.

    What is stated is read at once, and what is wrong with it is told in the dialog; it can only
    be accepted when there is one band centre a band.

    Parameters
    ----------
    cube : Cube
        Its band centres, where it has some, are there to be changed.
    parent : QWidget, optional
    """

    def __init__(self, cube: Cube, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Wavelengths of {cube.name}")
        self._bands = cube.bands
        self.ways = QTabWidget()
        self.ways.setToolTip("How to state the band centres")
        self.ways.addTab(self._make_range(cube), "&First and last")
        self.ways.addTab(self._make_list(cube), "&List")
        self.ways.addTab(self._make_file(), "F&ile")
        self.ways.setCurrentIndex(0 if cube.wavelengths is None else 1)
        self.ways.currentChanged.connect(self._check)
        self.unit = QComboBox()
        self.unit.addItems(UNITS)
        self.unit.setToolTip("As recognised: by a header, else 0.1 to 50 is µm and 100 and up nm")
        self.unit.currentTextChanged.connect(self._check)
        self.keep = QCheckBox()
        self.keep.setToolTip("Write them to a file that is read whenever the scene is opened")
        self.keep.setVisible(bool(cube.paths))
        if cube.paths:
            beside = list_beside(cube.paths[0])
            replaced = ", in place of the one there" if beside.exists() else ""
            self.keep.setText(f"&Keep as {beside.name} beside the scene{replaced}")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow("&Unit", self.unit)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(f"{cube.bands} bands, one band centre for each:"))
        layout.addWidget(self.ways, 1)
        layout.addLayout(form)
        layout.addWidget(self.keep)
        layout.addWidget(self.message)
        layout.addWidget(self.buttons)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setDefault(True)
        self.resize(460, 360)
        self._check()

    def _make_range(self, cube: Cube) -> QWidget:
        self.first, self.last, self.count = QDoubleSpinBox(), QDoubleSpinBox(), QSpinBox()
        ends = USUAL_NM if cube.wavelengths is None else cube.wavelengths[[0, -1]]
        for box, value, which in zip((self.first, self.last), ends, ("first", "last"), strict=True):
            box.setDecimals(3)
            box.setRange(0, LONGEST)
            box.setValue(float(value))
            box.setToolTip(f"Centre of the {which} band; the bands between are evenly spaced")
        self.count.setRange(1, 1_000_000)
        self.count.setValue(cube.bands)
        self.count.setToolTip("How many bands the range has")
        for box in (self.first, self.last, self.count):
            box.valueChanged.connect(self._check)
        page = QWidget()
        form = QFormLayout(page)
        form.addRow("Firs&t", self.first)
        form.addRow("L&ast", self.last)
        form.addRow("&Bands", self.count)
        return page

    def _make_list(self, cube: Cube) -> QWidget:
        self.text = QPlainTextEdit()
        self.text.setToolTip("Band centres with commas, blanks or line breaks between them")
        self.text.setPlaceholderText("Paste the band centres here")
        self.text.setTabChangesFocus(True)
        if cube.wavelengths is not None:
            self.text.setPlainText("\n".join(f"{w:.10g}" for w in cube.wavelengths))
        self.text.textChanged.connect(self._check)
        return self.text

    def _make_file(self) -> QWidget:
        self.file = QLineEdit()
        self.file.setToolTip("Text or CSV file: a band centre a line, or a table with a header")
        self.file.textChanged.connect(self._check)
        browse = QPushButton("B&rowse…")
        browse.setToolTip("Choose the file")
        browse.clicked.connect(self._browse)
        page = QWidget()
        row = QHBoxLayout(page)
        row.addWidget(self.file, 1)
        row.addWidget(browse)
        return page

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Band centres", self.file.text(), LISTS)
        if name:
            self.file.setText(name)

    def listed(self) -> BandList:
        """Return what is stated, in nm.

        Raises
        ------
        ValueError
            Where it is not one band centre a band.
        """
        unit = UNITS[self.unit.currentText()]
        way = self.ways.currentIndex()
        if way == 1:
            return parse_band_list(self.text.toPlainText(), self._bands, unit)
        if way == 2:
            if not self.file.text():
                raise ValueError("no file is chosen")
            return read_band_list(Path(self.file.text()), self._bands, unit)
        if self.count.value() != self._bands:
            raise ValueError(f"{self._bands} band centres expected, {self.count.value()} found")
        centres = to_nm(np.linspace(self.first.value(), self.last.value(), self._bands), unit)
        if centres is None:
            raise ValueError("these are no wavelengths in nm or µm; choose the unit")
        return BandList(centres)

    def _check(self, *_: object) -> None:
        """Tell what is stated, or what is wrong with it."""
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        try:
            centres = self.listed().wavelengths
        except ValueError as error:
            self.message.setText(f"Cannot be taken: {error}")
            ok.setEnabled(False)
            return
        ok.setEnabled(True)
        if centres is not None:
            self.message.setText(
                f"{centres.size} band centres, {centres.min():.1f} to {centres.max():.1f} nm"
            )
