"""The section Scene: open one, see what it is, choose its colours and its bands."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.audit.spectra import band_positions
from napari_ssamamba.data.composite import (
    PCA,
    CompositeSettings,
    available_presets,
    preset_bands,
)
from napari_ssamamba.data.downloads import SAMPLES
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.job_progress import JobProgress

if TYPE_CHECKING:
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.dialogs import Dialogs
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

OWN_BANDS = "own bands"
LONGEST_NM = 100_000.0
MEGABYTE = 1e6


class ScenePanel(QWidget):
    """Shows the scene and asks for another, other colours or other bands.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    dialogs : Dialogs
    """

    def __init__(self, session: Session, workflow: Workflow, dialogs: Dialogs) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self._dialogs = dialogs
        self._range_of: object = None  # the wavelengths, or values, it was last set for
        self.open = QPushButton("&Open…")
        self.open.setToolTip("Open a scene: ENVI, GeoTIFF (also several tiles), MATLAB or NumPy")
        self.open.clicked.connect(self._open)
        self.samples = QPushButton("&Sample scene")
        self.samples.setToolTip("Open the built-in synthetic scene, or fetch a published one")
        self.samples.setMenu(self._sample_menu())
        self.progress = JobProgress(workflow, "open")
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        self.controls = QWidget()
        self._make_controls()
        buttons = QHBoxLayout()
        buttons.addWidget(self.open)
        buttons.addWidget(self.samples)
        layout = QVBoxLayout(self)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.facts)
        layout.addWidget(self.controls)
        connect(self._show_all, session.events.cube, session.events.bands)
        connect(self._show_composite, session.events.composite)
        self._show_all()

    # --- what it is made of ----------------------------------------------------------------

    def _sample_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        action = menu.addAction("Built-in synthetic scene")
        action.setToolTip("Made on this machine; nothing is downloaded")
        action.triggered.connect(lambda: self._workflow.open_sample())
        menu.addSeparator()
        for sample in SAMPLES.values():
            action = menu.addAction(f"{sample.name} ({sample.size / MEGABYTE:.0f} MB)")
            action.setToolTip("Fetched once from the web, with its reference, and kept")
            action.triggered.connect(partial(self._open_sample, sample.name))
        return menu

    def _make_controls(self) -> None:
        self.preset = QComboBox()
        self.preset.setToolTip("Which bands are shown as red, green and blue")
        self.preset.textActivated.connect(self._ask_preset)
        self.bands = tuple(QSpinBox() for _ in range(3))
        for box, channel in zip(self.bands, ("red", "green", "blue"), strict=True):
            box.setToolTip(f"Band shown as {channel}")
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._ask_bands)
        self.water = QCheckBox("Hide &water absorption")
        self.water.setToolTip(
            "Switch off the bands at 1340–1450, 1790–1960 and above 2450 nm, where the air's "
            "water vapour leaves too little light; unchecking brings back those that were on"
        )
        self.water.toggled.connect(self._ask_water)
        self.wavelengths = QPushButton("Wavelengt&hs…")
        self.wavelengths.setToolTip("State the band centres: first and last, a list or a file")
        self.wavelengths.clicked.connect(self._ask_wavelengths)
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        for box, which in ((self.low, "Lower"), (self.high, "Upper")):
            box.setRange(0, LONGEST_NM)
            box.setDecimals(0)
            box.setToolTip(f"{which} end of the range of bands to switch on or off")
        self.on, self.off = QPushButton("Range on"), QPushButton("Range off")
        self.on.setToolTip("Use the bands of this range")
        self.off.setToolTip("Leave the bands of this range out of training, map and plots")
        self.on.clicked.connect(partial(self._ask_range, True))
        self.off.clicked.connect(partial(self._ask_range, False))
        form = QFormLayout(self.controls)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("&Colours", self.preset)
        for name, box in zip(("&Red", "&Green", "&Blue"), self.bands, strict=True):
            form.addRow(name, box)
        form.addRow(self.wavelengths)
        self.band_switches = QWidget()
        switches = QVBoxLayout(self.band_switches)
        switches.setContentsMargins(0, 0, 0, 0)
        switches.addWidget(self.water)
        for one, other in ((self.low, self.high), (self.on, self.off)):
            row = QHBoxLayout()
            row.addWidget(one, 1)
            row.addWidget(other, 1)
            switches.addLayout(row)
        form.addRow(self.band_switches)

    # --- asking ----------------------------------------------------------------------------

    def _open(self) -> None:
        paths = self._dialogs.scene_files(self)
        if paths:
            self._workflow.open(paths)

    def _open_sample(self, name: str, *_: object) -> None:
        self._workflow.open_sample(name)

    def _ask_preset(self, preset: str) -> None:
        if preset == OWN_BANDS:
            self._ask_bands()
        else:
            self._ask_composite(CompositeSettings(bands=None, preset=preset))

    def _ask_bands(self, *_: object) -> None:
        red, green, blue = (box.value() - 1 for box in self.bands)
        settings = self._session.composite or CompositeSettings()
        self._ask_composite(replace(settings, bands=(red, green, blue)))

    def _ask_composite(self, settings: CompositeSettings) -> None:
        self._session.set_composite(settings)

    def _ask_wavelengths(self) -> None:
        session, request = self._session, self._workflow.request
        answer = self._dialogs.wavelengths(self, session.need_cube())
        if answer is not None:
            listed, keep = answer
            if request(partial(session.set_wavelengths, listed)) and keep:
                request(session.keep_wavelengths)

    def _ask_water(self, hidden: bool) -> None:
        self._switch(partial(self._session.hide_water_absorption, hidden))

    def _ask_range(self, on: bool, *_: object) -> None:
        self._switch(partial(self._session.switch_range, self.low.value(), self.high.value(), on))

    def _switch(self, change: partial[None]) -> None:
        if not self._workflow.request(change):
            self._show_all()

    # --- showing ---------------------------------------------------------------------------

    def _show_all(self) -> None:
        cube = self._session.cube
        self.controls.setVisible(cube is not None)
        if cube is None:
            self.facts.setText(
                "No scene is open. Open a file, or take the sample scene to try things out."
            )
            return
        self.facts.setText(facts_text(cube))
        self._show_switches(cube)
        with QSignalBlocker(self.preset):
            self.preset.clear()
            self.preset.addItems([*available_presets(cube), OWN_BANDS])
        self._show_composite()

    def _show_switches(self, cube: Cube) -> None:
        known, switches = cube.wavelengths is not None, self._session.band_switches
        self.water.setVisible(known)
        with QSignalBlocker(self.water):
            self.water.setEnabled(bool(switches.in_water.any()))
            self.water.setChecked(switches.water_hidden)
        axis = cube.raw if cube.wavelengths is None else cube.wavelengths
        if self._range_of is not axis:
            self._range_of = axis
            positions = band_positions(cube)
            for box, end in (
                (self.low, np.floor(positions.min())),
                (self.high, np.ceil(positions.max())),
            ):
                box.setPrefix("" if known else "band ")
                box.setSuffix(" nm" if known else "")
                box.setValue(float(end))

    def _show_composite(self) -> None:
        cube, settings = self._session.cube, self._session.composite
        if cube is None or settings is None:
            return
        with QSignalBlocker(self.preset):
            self.preset.setCurrentText(settings.preset if settings.bands is None else OWN_BANDS)
        bands = settings.bands
        if bands is None and settings.preset != PCA:
            bands = preset_bands(cube, settings.preset)
        for channel, box in enumerate(self.bands):
            with QSignalBlocker(box):
                box.setRange(1, cube.bands)
                if bands is not None:
                    box.setValue(bands[channel] + 1)
            if cube.wavelengths is not None:
                box.setSuffix(f"  ·  {cube.wavelengths[box.value() - 1]:.0f} nm")
            else:
                box.setSuffix("")


def facts_text(cube: Cube) -> str:
    """Say in a few lines what a scene is."""
    lines = [
        cube.name + (" — SYNTHETIC" if cube.synthetic else ""),
        f"{cube.rows:,} × {cube.columns:,} pixels, {int(cube.good_bands.sum())} of "
        f"{cube.bands} bands on",
    ]
    if cube.wavelengths is None:
        lines.append("wavelengths not known")
    else:
        lines.append(f"{cube.wavelengths.min():.0f}–{cube.wavelengths.max():.0f} nm")
    return "\n".join(lines)
