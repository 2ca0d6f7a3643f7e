"""Of a large library the user chooses what to compare with; what is unchecked is not exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDialogButtonBox, QWidget

from napari_ssamamba.data.spectral_library import SpectralLibrary, read_library, write_library
from napari_ssamamba.gui.ask_spectra import AskSpectra
from napari_ssamamba.gui.curve_jobs import IMPORT
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.spectra_plot import SpectraPlot
from napari_ssamamba.gui.writing import WRITE
from napari_ssamamba.session.curves import FEW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_ssamamba.gui.workflow import Workflow

NAMES = [f"{mineral} CM{i} AREF" for i in range(100) for mineral in ("Kaolinite", "Illite")]


@pytest.fixture
def ask(qtbot: Any) -> AskSpectra:
    dialog = AskSpectra(NAMES, 3)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def listed(dialog: AskSpectra) -> list[str]:
    model = dialog.list.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_the_filter_lists_names_that_hold_all_words(ask: AskSpectra) -> None:
    QTest.keyClicks(ask.filter, "cm7 kAOL")
    assert listed(ask) == ["Kaolinite CM7 AREF", *(f"Kaolinite CM7{i} AREF" for i in range(10))]
    QTest.keyClicks(ask.filter, " (")  # a character that means something in patterns
    assert listed(ask) == []
    ask.filter.clear()
    assert listed(ask) == NAMES


def test_spectra_are_chosen_with_the_keyboard_alone(
    qtbot: Any, answer: Callable[..., None]
) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)

    def act(dialog: AskSpectra) -> None:
        QTest.keyClick(dialog.filter, Qt.Key.Key_Return)
        assert dialog.isVisible()  # nothing is checked yet, and nothing is guessed
        QTest.keyClicks(dialog.filter, "illite cm42")
        QTest.keyClick(dialog.list, Qt.Key.Key_Space)
        dialog.filter.setText("kaolinite")  # what is hidden now stays checked
        QTest.keyClick(dialog.list, Qt.Key.Key_Home)
        QTest.keyClick(dialog.list, Qt.Key.Key_Down)
        QTest.keyClick(dialog.list, Qt.Key.Key_Space)
        QTest.keyClick(dialog, Qt.Key.Key_Return)

    answer(act)
    chosen = Dialogs().spectra(parent, NAMES)
    assert [NAMES[i] for i in chosen] == ["Kaolinite CM1 AREF", "Illite CM42 AREF"]
    answer(lambda dialog: QTest.keyClick(dialog, Qt.Key.Key_Escape))
    assert Dialogs().spectra(parent, NAMES) == []


def test_more_than_can_be_told_apart_are_not_taken(ask: AskSpectra) -> None:
    ask.filter.setText("cm1 ")
    assert not ask.all.isEnabled()  # cm1, cm10, … of both
    ask.filter.setText("cm11")
    ask.all.click()
    assert "2 of 200 checked, 2 listed" in ask.message.text()
    ask.filter.setText("cm22")
    assert ask.add.isEnabled()
    ask.all.click()
    assert not ask.add.isEnabled()
    assert "3 at most can be told apart: uncheck 1" in ask.message.text()
    ask.none.click()
    assert ask.chosen() == []


class Files(Dialogs):
    """Imports one file, writes another, and takes two spectra of a large library."""

    def __init__(self, library: Path, table: Path) -> None:
        self.library, self.table = library, table
        self.asked: list[int] = []

    def library_file(self, parent: QWidget) -> Path:
        return self.library

    def export_file(self, parent: QWidget) -> Path:
        return self.table

    def spectra(self, parent: QWidget, names: Any) -> list[int]:
        self.asked.append(len(names))
        return [len(names) - 1, 2]


@pytest.fixture
def plot(qtbot: Any, workflow: Workflow, tiny_job: Any, tmp_path: Path) -> Iterator[SpectraPlot]:
    session = workflow.session
    session.set_reference(tiny_job.reference)
    session.draw_from_reference(5, seed=0)
    made = SpectraPlot(session, workflow, Files(tmp_path / "usgs.csv", tmp_path / "shown.sli"))
    qtbot.addWidget(made)
    made.show()
    workflow.audit.compute_class_spectra()
    qtbot.waitUntil(lambda: made.legend.count() == 3)
    yield made


def import_library(qtbot: Any, plot: SpectraPlot, n: int) -> list[str]:
    dialogs = plot.controls._dialogs
    spectra = np.arange(3.0 * n).reshape(n, 3)
    names = tuple(f"mineral {i}" for i in range(n))
    write_library(dialogs.library, SpectralLibrary(names, spectra, np.array([500.0, 600, 700])))
    plot.controls.open.trigger()
    qtbot.waitUntil(lambda: plot._workflow.job(IMPORT) is None)
    return [c.name for c in plot._session.curves.curves]


def test_a_small_library_is_taken_whole_and_of_a_large_one_what_is_chosen(
    qtbot: Any, plot: SpectraPlot
) -> None:
    few = [f"mineral {i}" for i in range(FEW)]
    assert import_library(qtbot, plot, FEW) == few
    assert plot.controls._dialogs.asked == []
    assert import_library(qtbot, plot, FEW + 1) == [*few, f"mineral {FEW}", "mineral 2"]
    assert plot.controls._dialogs.asked == [FEW + 1]


def test_what_is_unchecked_is_not_exported(qtbot: Any, plot: SpectraPlot) -> None:
    import_library(qtbot, plot, 2)
    session = plot._session
    session.pick(9, 7)
    session.curves.keep_pixel()
    session.pick(20, 3)
    plot.legend.item(1).setCheckState(Qt.CheckState.Unchecked)
    plot.legend.item(plot.legend.count() - 1).setCheckState(Qt.CheckState.Unchecked)
    plot.controls.export.trigger()
    qtbot.waitUntil(lambda: plot._workflow.job(WRITE) is None)
    first, _, third = (session.classes[i].name for i in (2, 5, 9))
    written = read_library(plot.controls._dialogs.table)
    assert list(written.names) == [first, third, "Pixel 20; 3"]


def test_the_default_button_is_add(ask: AskSpectra) -> None:
    assert ask.add.isDefault()
    assert not ask.add.isEnabled()
    cancel = ask.buttons.button(QDialogButtonBox.StandardButton.Cancel)
    assert not cancel.isDefault()
