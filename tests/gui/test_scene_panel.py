"""The section Scene: wavelengths and bands follow what the user states."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data.band_lists import BandList
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.scene_panel import ScenePanel
from napari_ssamamba.gui.spectra_plot import SpectraPlot

CENTRES = np.array([460, 550, 650, 1400.0])


class StateWavelengths(Dialogs):
    def __init__(self):
        self.keep, self.centres = False, CENTRES

    def wavelengths(self, parent, cube):
        return None if self.centres is None else (BandList(self.centres), self.keep)


@pytest.fixture
def dialogs():
    return StateWavelengths()


@pytest.fixture
def panel(qtbot, workflow, dialogs, tmp_path):
    np.save(tmp_path / "field.npy", np.zeros((20, 30, 4), np.float32))
    workflow.session.open_cube(open_cube(tmp_path / "field.npy"))
    made = ScenePanel(workflow.session, workflow, dialogs)
    qtbot.addWidget(made)
    return made


def presets(panel):
    return [panel.preset.itemText(i) for i in range(panel.preset.count())]


def test_stated_wavelengths_reach_presets_sliders_plots_and_ranges(qtbot, workflow, panel):
    plot = SpectraPlot(workflow.session, workflow)
    qtbot.addWidget(plot)
    assert "not known" in panel.facts.text() and panel.water.isHidden()
    panel.wavelengths.click()
    assert "460–1400 nm" in panel.facts.text()
    assert presets(panel)[0] == panel.preset.currentText() == "true colour"
    assert [box.value() for box in panel.bands] == [3, 2, 1]
    assert "650 nm" in panel.bands[0].suffix()
    assert (panel.low.value(), panel.high.value()) == (460, 1400)
    assert (panel.low.suffix(), panel.low.prefix()) == (" nm", "")
    assert not panel.water.isHidden() and panel.water.isEnabled()
    assert plot.plot.getAxis("bottom").labelText == "Wavelength (nm)"


def test_without_wavelengths_bands_are_switched_by_number(workflow, panel):
    assert (panel.low.prefix(), panel.low.value(), panel.high.value()) == ("band ", 1, 4)
    panel.low.setValue(2)
    panel.high.setValue(3)
    panel.off.click()
    assert workflow.session.cube.good_bands.tolist() == [True, False, False, True]
    assert (panel.low.value(), panel.high.value()) == (2, 3)
    panel.high.setValue(2)
    panel.on.click()
    assert workflow.session.cube.good_bands.tolist() == [True, True, False, True]


def test_wavelengths_are_kept_beside_the_scene_only_when_wanted(panel, dialogs, tmp_path):
    panel.wavelengths.click()
    assert [p.name for p in tmp_path.iterdir()] == ["field.npy"]
    dialogs.keep, dialogs.centres = True, CENTRES + 5
    panel.wavelengths.click()
    np.testing.assert_array_equal(open_cube(tmp_path / "field.npy").wavelengths, CENTRES + 5)


def test_a_cancelled_question_changes_no_wavelength(workflow, panel, dialogs):
    dialogs.centres = None
    panel.wavelengths.click()
    assert workflow.session.cube.wavelengths is None


def test_wavelengths_that_cannot_be_kept_are_told_and_used(
    qtbot, workflow, panel, dialogs, monkeypatch
):
    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("napari_ssamamba.data.band_lists.written_whole", refuse)
    dialogs.keep = True
    with qtbot.waitSignal(workflow.told) as told:
        panel.wavelengths.click()
    assert "field.wavelengths.csv: it cannot be written (Permission denied)" in told.args[1]
    np.testing.assert_array_equal(workflow.session.cube.wavelengths, CENTRES)


def test_unchecking_water_absorption_leaves_the_files_bad_bands_off(workflow, panel):
    session = workflow.session
    good = np.array([True, False, True, False, True])
    centres = np.array([500, 600, 1380, 1400, 1650.0])
    session.open_cube(Cube("bad", np.zeros((2, 3, 5)), wavelengths=centres, good_bands=good))
    assert not panel.water.isChecked()
    assert (panel.low.value(), panel.high.value()) == (500, 1650)  # of the scene before no more
    panel.water.click()
    assert session.cube.good_bands.tolist() == [True, False, False, False, True]
    panel.low.setValue(500)
    panel.high.setValue(550)
    panel.off.click()
    panel.water.click()
    assert session.cube.good_bands.tolist() == [False, False, True, False, True]
    panel.high.setValue(1700)
    panel.off.click()  # none would be left
    assert session.cube.good_bands.tolist() == [False, False, True, False, True]
