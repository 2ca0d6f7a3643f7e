"""Crops, decisions and changes: linked with each other, and driven by keys."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.events import result_of
from napari_ssamamba.gui.audit_panel import AuditPanel
from napari_ssamamba.gui.changes_panel import changes_text
from napari_ssamamba.gui.crop_gallery import ALL, CHOSEN, CropGallery
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.fixing_jobs import EVIDENCE
from napari_ssamamba.prediction.pixel import PixelClassifier

DISPLAY, TOOLTIP = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole
KEY = Qt.Key


class Answers(Dialogs):
    path = None

    def table_file(self, parent, title):
        return self.path


@pytest.fixture
def gallery(qtbot, audited, workflow):
    made = CropGallery(audited, workflow)
    qtbot.addWidget(made)
    made.resize(600, 300)
    made.show()
    qtbot.waitUntil(lambda: not made.view.visualRect(made.model.index(3)).isEmpty())
    return made


@pytest.fixture
def panel(qtbot, audited, workflow):
    made = AuditPanel(audited, workflow, Answers())
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    return made


def test_the_gallery_has_all_errors_by_confusion_and_follows_the_chosen_cell(audited, gallery):
    captions = [gallery.model.index(r).data(DISPLAY) for r in range(gallery.model.rowCount())]
    assert captions == ["Class 5 → Class 9"] * 3 + ["Class 2 → Class 5"]
    audited.audit.choose_cell(Cell(2, 5))
    assert gallery.model.rowCount() == 1 and gallery.which.currentIndex() == CHOSEN
    audited.audit.choose_cell(Cell(9, 2))
    assert gallery.view.isHidden() and "0 pixels of Class 9" in gallery.missing.text()
    audited.audit.choose_cell(None)
    assert gallery.model.rowCount() == 4 and gallery.which.currentIndex() == ALL


def test_a_click_or_an_arrow_flies_and_a_step_elsewhere_moves_the_gallery(audited, gallery):
    audit, flown = audited.audit, []
    audit.events.look_at.connect(lambda pixels: flown.append(tuple(pixels[0].tolist())))
    at = gallery.view.visualRect(gallery.model.index(3)).center()
    QTest.mouseClick(gallery.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert audit.cell == Cell(2, 5) and audit.position == 0
    assert flown == [tuple(audit.pixels[0].tolist())] == [audited.picked]
    assert gallery.which.currentIndex() == ALL and gallery.view.currentIndex().row() == 3
    QTest.keyClick(gallery.view, KEY.Key_Left)
    assert audit.cell == Cell(5, 9) and audit.position == 2
    audit.step(1)
    assert gallery.view.currentIndex().row() == 0
    row, column = audit.pixels[0].tolist()
    assert f"Row {row}, column {column}" in gallery.model.index(0).data(TOOLTIP)


def test_only_crops_in_view_are_drawn(qtbot, audited, gallery):
    drawn = []
    pixel = gallery.model.pixel
    gallery.model.pixel = lambda row: drawn.append(row) or pixel(row)
    ids = audited.map.ids
    ids[audited.reference.ids == 5] = 9
    ids[audited.reference.ids == 2] = 5
    audited.audit.set_confusion(None)
    audited.audit.set_confusion(result_of(audited.audit.confusion_run()))
    n = gallery.model.rowCount()
    assert n > 200
    qtbot.waitUntil(lambda: len(drawn) > 3)
    assert max(drawn) < 60
    audited.audit.go_to(len(audited.audit.pixels) - 1, audited.audit.confusion.worst()[-1])
    last = gallery.model.index(gallery.model.rowCount() - 1)
    qtbot.waitUntil(
        lambda: gallery.view.viewport().rect().contains(gallery.view.visualRect(last).center())
    )


def test_the_card_shows_probabilities_and_links_to_near_training_pixels(
    qtbot, audited, panel, workflow
):
    assert panel.card.isHidden()
    panel.next.click()
    qtbot.waitUntil(lambda: audited.evidence.pixel is not None)
    evidence = audited.evidence.pixel
    (first, p), *_ = evidence.most_probable
    assert f"{p:.2f}  {audited.classes[first].name}" in panel.card.probabilities.text()
    near = evidence.nearest[0]
    assert f"row {near.row}, column {near.column}</a>: {near.distance:.1f} px" in (
        panel.card.nearest.text()
    )
    looked_at = audited.audit.looked_at
    panel.card.nearest.linkActivated.emit(f"{near.row},{near.column}")
    assert audited.picked == (near.row, near.column) and audited.audit.looked_at == looked_at
    assert not panel.card.crop.pixmap().isNull()


@pytest.mark.parametrize("bands_change", [True, False])
def test_probabilities_from_before_a_change_are_not_shown(
    qtbot, audited, panel, workflow, tiny_checkpoint, monkeypatch, bands_change
):
    may_end, begun, read = Event(), Event(), PixelClassifier.probabilities

    def slowly(*given):
        begun.set()
        assert may_end.wait(20)
        return (yield from read(*given))

    with monkeypatch.context() as slowed:
        slowed.setattr(PixelClassifier, "probabilities", slowly)
        panel.next.click()
        assert begun.wait(20)
    late, shown = workflow.job(EVIDENCE), []
    audited.evidence.events.pixel.connect(lambda: shown.append(audited.evidence.pixel))
    if bands_change:
        audited.switch_bands(np.arange(6) == 3, False)
    else:
        audited.set_checkpoint(tiny_checkpoint)
    assert workflow.job(EVIDENCE) is not late
    may_end.set()
    qtbot.waitUntil(lambda: late.wait(0) and workflow.job(EVIDENCE) is None)
    assert len([pixel for pixel in shown if pixel is not None]) == bands_change  # read anew


def test_keys_and_buttons_decide_and_what_cannot_be_says_why(qtbot, audited, panel):
    buttons = panel.decisions.buttons
    assert not buttons["skipped"].isEnabled()
    assert "Step to one first" in buttons["skipped"].toolTip()
    panel.next.click()
    first, second = (tuple(p) for p in audited.audit.pixels[:2].tolist())
    qtbot.waitUntil(lambda: QApplication.activeWindow() is panel)
    panel.worst.setFocus()
    QTest.keyClick(panel.worst, KEY.Key_A)
    assert audited.labels[first] == 5 and audited.audit.looked_at == second
    model = panel.decisions.model
    assert [model.index(0, c).data(DISPLAY) for c in range(4)] == [
        f"{first[0]}, {first[1]}",
        "accepted",
        "Class 5",
        "Class 9",
    ]
    QTest.keyClick(panel.worst, KEY.Key_R)
    menu = QApplication.activePopupWidget()
    QTest.keyClick(menu, KEY.Key_1)
    qtbot.waitUntil(lambda: len(audited.decisions.made) == 2)
    assert audited.labels[second] == audited.classes.ids[0]
    QTest.keyClick(panel.worst, KEY.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert audited.labels[second] == 0 and audited.audit.looked_at == second
    panel.decisions.undo.click()
    assert audited.labels[first] == 0 and panel.decisions.table.isHidden()
    audited.audit.choose_truth("training")
    assert not buttons["accepted"].isEnabled()


def test_a_decision_in_the_table_is_flown_to_and_the_table_is_written(audited, panel, tmp_path):
    panel.next.click()
    pixel = audited.audit.looked_at
    panel.decisions.buttons["marked wrong"].click()
    assert "1 marked wrong" in panel.decisions.count.text()
    panel.decisions.table.clicked.emit(panel.decisions.model.index(0, 0))
    assert audited.picked == pixel
    panel.decisions._dialogs.path = tmp_path / "decisions.csv"
    panel.decisions.export.click()
    assert "marked wrong" in (tmp_path / "decisions.csv").read_text(encoding="utf-8")


def test_classes_in_the_narrow_table_of_decisions_are_told_apart(panel):
    table, names = panel.decisions.table, [f"Class {i}" for i in range(10, 20)]
    short = {table.fontMetrics().elidedText(n, table.textElideMode(), 44) for n in names}
    assert len(short) == len(names)


def test_a_training_says_what_it_changed(qtbot, audited, panel, workflow, tiny_checkpoint):
    changes = panel.changes
    assert "Correct labels, then retrain" in changes.text.text() and changes.table.isHidden()
    audited.changes.keep_before()
    audited.set_checkpoint(tiny_checkpoint)
    audited.mapping.run().close()
    wrong = audited.audit.confusion.pixels(Cell(5, 9))
    audited.map.ids[tuple(wrong.T)] = 5
    audited.mapping.finish()
    qtbot.waitUntil(lambda: audited.changes.found is not None)
    assert "3 fixed" in changes.text.text() and "0 broken" in changes.text.text()
    assert "1 still wrong" in changes.text.text() and not changes.table.isHidden()
    shown = {
        changes.model.index(r, 0).data(DISPLAY): [
            changes.model.index(r, c).data(DISPLAY) for c in range(1, 5)
        ]
        for r in range(changes.model.rowCount())
    }
    assert shown == {"Class 5": ["3", "0", "3", "0"], "Class 9": ["0", "0", "0", "3"]}
    assert "not trained on" in changes_text(audited.changes.found)


def test_a_gallery_behind_another_tab_lists_when_it_is_looked_at(audited, gallery):
    gallery.hide()
    audited.audit.choose_cell(Cell(2, 5))
    audited.audit.step(1)
    assert gallery.model.rowCount() == 4
    gallery.show()
    assert gallery.model.rowCount() == 1 and gallery.view.currentIndex().row() == 0
