"""The matrix, the list of confusions and the spectra: chosen in one, shown in all."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtTest import QTest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.gui.audit_panel import AuditPanel
from napari_ssamamba.gui.confusion_plot import ConfusionPlot
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.spectra_plot import SpectraPlot

DISPLAY, TOOLTIP = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole
BACKGROUND = Qt.ItemDataRole.BackgroundRole


@pytest.fixture
def matrix(qtbot, audited, workflow):
    made = ConfusionPlot(audited, workflow)
    made.resize(700, 500)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def panel(qtbot, audited, workflow):
    made = AuditPanel(audited, workflow, Dialogs())
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_table_shows_the_matrix_and_closes_it_with_accuracies(audited, matrix):
    confusion, model = audited.audit.confusion, matrix.model
    counts = confusion.matrix
    assert (model.rowCount(), model.columnCount()) == (4, 4)
    shown = [[model.index(i, j).data(DISPLAY) for j in range(3)] for i in range(3)]
    assert shown == [[f"{c:,}" if c else "·" for c in row] for row in counts.tolist()]
    assert model.index(1, 3).data(DISPLAY) == f"{confusion.accuracy.recall[1]:.1f} %"
    assert model.index(3, 2).data(DISPLAY) == f"{confusion.users_accuracy[2]:.1f} %"
    low, high = confusion.users_intervals[2]
    assert f"95 % interval {low:.1f}–{high:.1f} %" in model.index(3, 2).data(TOOLTIP)
    assert "3 pixels of Class 5 mapped as Class 9" in model.index(1, 2).data(TOOLTIP)
    matrix.unit.setCurrentIndex(1)
    assert model.index(1, 2).data(DISPLAY) == f"{100 * 3 / counts[1].sum():.1f}"
    for part in (
        f"OA {confusion.accuracy.oa:.1f} %",
        str(confusion.oa_interval),
        "κ",
        "not trained",
    ):
        assert part in matrix.summary.text()


def test_a_low_matrix_is_summed_up_in_a_line(qtbot, audited, matrix):
    confusion = audited.audit.confusion
    assert str(confusion.oa_interval) in matrix.summary.text()
    matrix.resize(700, 150)
    qtbot.waitUntil(lambda: str(confusion.oa_interval) not in matrix.summary.text())
    for part in ("Reference pixels not trained on", f"OA {confusion.accuracy.oa:.1f} %"):
        assert part in matrix.summary.text()
    assert str(confusion.oa_interval) in matrix.summary.toolTip()
    assert "not trained" in matrix.summary.toolTip()


def test_more_of_a_row_is_coloured_more(matrix):
    def distance(i, j):
        empty, full = (np.array(matrix.model.index(*at).data(BACKGROUND).getRgb()[:3], int)
                       for at in ((2, 0), (i, j)))  # fmt: skip
        return np.abs(full - empty).sum()

    assert distance(1, 1) > distance(1, 2) > distance(2, 1) == 0


def test_a_click_on_a_cell_selects_its_pixels_everywhere(qtbot, audited, matrix, panel):
    at = matrix.table.visualRect(matrix.model.index(0, 1)).center()
    QTest.mouseClick(matrix.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert audited.audit.cell == Cell(2, 5) and len(audited.audit.pixels) == 1
    assert panel.worst.currentItem().text() == "1  Class 2 → Class 5"
    panel.worst.setCurrentRow(0)
    assert audited.audit.cell == Cell(5, 9) and len(audited.audit.pixels) == 3
    assert (matrix.table.currentIndex().row(), matrix.table.currentIndex().column()) == (1, 2)


def test_arrow_keys_go_from_cell_to_cell_but_not_to_the_accuracies(qtbot, audited, matrix):
    audited.audit.choose_cell(Cell(5, 9))
    QTest.keyClick(matrix.table, Qt.Key.Key_Left)
    assert audited.audit.cell == Cell(5, 5)
    QTest.keyClick(matrix.table, Qt.Key.Key_Up)
    assert audited.audit.cell == Cell(2, 5)
    audited.audit.choose_cell(Cell(5, 9))
    QTest.keyClick(matrix.table, Qt.Key.Key_Right)
    assert audited.audit.cell == Cell(5, 9)
    assert not matrix.model.flags(matrix.model.index(1, 3)) & Qt.ItemFlag.ItemIsSelectable
    assert matrix.model.cell(QModelIndex()) is None


def test_the_list_has_the_confusions_by_count_and_the_buttons_step(audited, panel):
    assert [panel.worst.item(r).text() for r in range(panel.worst.count())] == [
        "3  Class 5 → Class 9",
        "1  Class 2 → Class 5",
    ]
    panel.next.click()
    panel.next.click()
    row, column = audited.audit.pixels[1]
    for part in ("Pixel 2 of 3", f"row {row}, column {column}", "Reference Class 5"):
        assert part in panel.pixel.text()
    assert "Mapped as Class 9, confidence 0.50" in panel.pixel.text()
    panel.previous.click()
    assert audited.picked == tuple(audited.audit.pixels[0])
    audited.audit.choose_cell(Cell(9, 2))
    assert not panel.next.isEnabled() and not panel.fly.isEnabled()
    assert "0 pixels of Class 9 mapped as Class 2" in panel.pixel.text()


def test_another_truth_gives_another_matrix(qtbot, audited, panel, matrix):
    n = audited.audit.confusion.accuracy.n
    audited.suspects.ask("expert")
    panel.truth.setCurrentIndex(panel.truth.findData("training"))
    panel.truth.activated.emit(panel.truth.currentIndex())
    qtbot.waitUntil(lambda: audited.audit.confusion is not None)
    assert audited.audit.confusion.accuracy.n == sum(audited.label_counts().values()) != n
    assert "Training labels" in matrix.summary.text()


def test_a_label_out_of_fold_is_not_said_to_be_mapped(qtbot, audited, panel):
    audited.labels[tuple(np.argwhere(audited.labels == 5)[0])] = 9
    audited.labels_painted()
    audited.suspects.ask("expert")
    panel.truth.setCurrentIndex(panel.truth.findData("training"))
    panel.truth.activated.emit(panel.truth.currentIndex())
    qtbot.waitUntil(lambda: audited.audit.confusion is not None)
    audited.audit.choose_cell(Cell(9, 5))
    audited.audit.step(1)
    assert "Label Class 9\nOut of fold Class 5, confidence" in panel.pixel.text()


def test_labels_that_changed_since_their_check_are_to_be_checked_again(
    qtbot, audited, panel, matrix
):
    audited.labels_painted()  # the map is outdated before the labels are checked
    audited.suspects.ask("expert")
    panel.truth.setCurrentIndex(panel.truth.findData("training"))
    panel.truth.activated.emit(panel.truth.currentIndex())
    qtbot.waitUntil(lambda: audited.audit.confusion is not None)
    assert not audited.audit.outdated and "outdated" not in matrix.summary.text()
    audited.labels_painted()
    for text in (panel.state.text(), matrix.summary.text()):
        assert "check the labels again in the section Suspect labels" in text
        assert "map the scene" not in text, "that would change nothing"


def test_panels_say_what_is_missing_and_that_the_map_is_outdated(audited, panel, matrix, workflow):
    audited.labels_painted()
    assert "Outdated" in panel.state.text() and "outdated" in matrix.summary.text()
    audited.set_reference(None)
    audited.audit.choose_truth("reference")
    workflow.audit.confuse()
    for text in (panel.state.text(), matrix.missing.text()):
        assert "No reference is open. Import one" in text
    assert matrix.table.isHidden() and panel.worst.isHidden() and panel.next.isHidden()


def test_a_map_without_an_error_says_so(qtbot, audited, panel, matrix, tiny_job, workflow):
    audited.map.ids[...] = tiny_job.reference.ids
    workflow.audit.confuse()
    qtbot.waitUntil(lambda: "No error" in panel.state.text())
    assert panel.worst.isHidden() and not matrix.table.isHidden()


def test_the_cells_mean_spectrum_is_drawn_dashed_and_goes_with_the_cell(qtbot, audited, workflow):
    plot = SpectraPlot(audited, workflow)
    qtbot.addWidget(plot)
    plot.show()
    workflow.audit.compute_class_spectra()
    qtbot.waitUntil(lambda: len(audited.class_spectra) == 3)

    def dashed():
        curves = plot.plot.listDataItems()
        return [c for c in curves if c.opts["pen"].style() == Qt.PenStyle.DashLine]

    audited.audit.choose_cell(Cell(5, 9))
    qtbot.waitUntil(lambda: len(dashed()) == 1)
    spectra = audited.cube.read_pixels(*audited.audit.pixels.T)
    expected = spectra.mean(axis=0)[audited.cube.good_bands]
    np.testing.assert_allclose(dashed()[0].getData()[1], expected, rtol=1e-5)
    assert "mean ± 1 sd of 3 read" in plot.selection.text()
    opacities = {
        c.opts["pen"].color().name(): c.opts["pen"].color().alpha()
        for c in plot.plot.listDataItems()
    }
    by_id = {c.id: opacities[c.color.lower()] for c in audited.classes if c.id != 11}
    assert by_id[5] == by_id[9] == 255 > by_id[2]
    audited.audit.choose_cell(None)
    assert dashed() == []


def test_a_pixel_that_is_left_out_changes_its_numbers_and_no_choice(audited, panel, matrix):
    cell = Cell(5, 9)
    audited.audit.choose_cell(cell)
    audited.audit.step(1)
    lines = [panel.worst.item(row) for row in range(panel.worst.count())]
    resets = []
    matrix.model.modelReset.connect(lambda: resets.append(1))
    audited.decisions.mark_wrong()
    index = matrix.model.index_of(cell)
    assert matrix.model.data(index, DISPLAY) == "2"
    assert matrix.table.currentIndex() == index and not resets
    assert [panel.worst.item(row) for row in range(panel.worst.count())] == lines
    assert panel.worst.item(0).text() == "2  Class 5 → Class 9"
    assert panel.worst.currentRow() == 0


def test_every_number_of_the_matrix_has_room(audited, matrix):
    for unit in (0, 1):
        matrix.unit.setCurrentIndex(unit)
        for column in range(matrix.model.columnCount()):
            assert matrix.table.columnWidth(column) >= matrix.table.sizeHintForColumn(column)


def test_names_that_differ_at_their_end_differ_where_there_is_little_room(matrix):
    for header in (matrix.table.horizontalHeader(), matrix.table.verticalHeader()):
        names = [f"Class {i}" for i in range(10, 20)]
        short = {header.fontMetrics().elidedText(n, header.textElideMode(), 44) for n in names}
        assert len(short) == len(names)


def test_columns_whose_names_would_look_alike_are_headed_by_keys(qtbot, audited, matrix):
    names = ("Class 1", "Class 11", "Class 111")
    ids = audited.audit.confusion.classes.ids
    for id, name in zip(ids, names, strict=True):
        audited.rename_class(id, name)
    across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical

    def headers(orientation):
        return tuple(matrix.model.headerData(i, orientation, DISPLAY) for i in range(3))

    keys = tuple(str(id) for id in ids)
    matrix.resize(900, 300)
    qtbot.waitUntil(lambda: headers(across) == headers(down) == names)
    matrix.resize(300, 300)
    qtbot.waitUntil(lambda: headers(across) == keys)
    assert headers(down) == tuple(f"{k} {n}" for k, n in zip(keys, names, strict=True))
    assert names[1] in matrix.model.headerData(1, across, TOOLTIP)


def test_spectra_behind_another_tab_are_drawn_when_they_are_looked_at(qtbot, audited, workflow):
    plot = SpectraPlot(audited, workflow)
    qtbot.addWidget(plot)
    audited.audit.choose_cell(Cell(5, 9))
    audited.audit.step(1)
    assert not plot.plot.listDataItems()
    plot.show()
    (drawn,) = plot.plot.listDataItems()
    expected = audited.picked_spectrum[audited.cube.good_bands]
    np.testing.assert_array_equal(drawn.getData()[1], expected)
