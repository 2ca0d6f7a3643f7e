"""Questions take the answer that was chosen, and change nothing where they are cancelled."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QDialogButtonBox, QFileDialog, QWidget

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.errors import AmbiguousFileError, Choice
from napari_ssamamba.gui.ask_wavelengths import AskWavelengths
from napari_ssamamba.gui.dialogs import Dialogs

QUESTION = AmbiguousFileError(
    "two.mat",
    "two variables may be the scene",
    "Choose one.",
    [Choice("variable", name, f"{name}: 4 × 5 × 6") for name in "XY"],
)
CLASSES = ClassTable().add("maize", None, 1).add("rye", None, 4).add("oat", None, 9)


@pytest.fixture
def parent(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def test_the_chosen_reading_of_a_file_is_taken(qtbot, parent, answer):
    seen = []

    def choose(dialog):
        seen.extend(dialog.answers.item(row).text() for row in range(dialog.answers.count()))
        dialog.answers.setCurrentRow(1)
        qtbot.keyClick(dialog, Qt.Key.Key_Return)

    answer(choose)
    assert Dialogs().choice(parent, QUESTION) == QUESTION.choices[1]
    assert seen == ["X: 4 × 5 × 6", "Y: 4 × 5 × 6"]


def test_a_double_click_answers_too(parent, answer):
    answer(lambda dialog: dialog.answers.itemDoubleClicked.emit(dialog.answers.item(0)))
    assert Dialogs().choice(parent, QUESTION) == QUESTION.choices[0]


def test_a_cancelled_choice_chooses_nothing(qtbot, parent, answer):
    answer(lambda dialog: qtbot.keyClick(dialog, Qt.Key.Key_Escape))
    assert Dialogs().choice(parent, QUESTION) is None


def test_pixels_of_a_deleted_class_go_to_an_other_class_or_to_none(qtbot, parent, answer):
    seen = []

    def choose(row):
        def act(dialog):
            seen[:] = [dialog.answers.item(i).text() for i in range(dialog.answers.count())]
            dialog.answers.setCurrentRow(row)
            dialog.accept()

        return act

    answer(choose(0))
    assert Dialogs().pixels_to(parent, CLASSES, 4, 17) == 0
    answer(choose(2))
    assert Dialogs().pixels_to(parent, CLASSES, 4, 17) == 9
    assert seen == ["They become unlabelled", "They become “maize”", "They become “oat”"]
    answer(lambda dialog: dialog.reject())
    assert Dialogs().pixels_to(parent, CLASSES, 4, 17) is None


def test_an_answered_question_leaves_no_widget_behind(qtbot, parent, answer):
    answer(lambda dialog: dialog.reject())
    Dialogs().choice(parent, QUESTION)
    qtbot.waitUntil(lambda: not parent.children())


def test_cancelled_files_and_colours_are_none(monkeypatch, parent):
    for name, value in (("getOpenFileNames", ([], "")), ("getOpenFileName", ("", ""))):
        monkeypatch.setattr(QFileDialog, name, lambda *_, value=value: value)
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor())
    dialogs = Dialogs()
    assert dialogs.scene_files(parent) == []
    assert dialogs.labels_files(parent, "Import") == []
    assert dialogs.color(parent, "#ff0000") is None


@pytest.fixture
def ask(qtbot):
    dialog = AskWavelengths(Cube("field", np.zeros((2, 3, 204))))
    qtbot.addWidget(dialog)
    return dialog


def may_accept(dialog):
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def test_first_and_last_wavelength_are_taken_in_nm_or_µm(ask):
    ask.first.setValue(0.4)
    ask.last.setValue(2.5)
    assert may_accept(ask)
    np.testing.assert_allclose(ask.listed().wavelengths, np.linspace(400, 2500, 204))
    ask.unit.setCurrentText("nm")
    np.testing.assert_allclose(ask.listed().wavelengths[-1], 2.5)


def test_a_wrong_number_of_bands_is_told_in_the_dialog(ask):
    ask.count.setValue(203)
    assert not may_accept(ask)
    assert "204 band centres expected, 203 found" in ask.message.text()
    ask.count.setValue(204)
    assert may_accept(ask)
    assert ask.message.text() == "204 band centres, 400.0 to 2500.0 nm"


def test_a_pasted_list_is_read_as_it_is_typed(ask):
    ask.ways.setCurrentIndex(1)
    assert not may_accept(ask)
    ask.text.setPlainText(", ".join(f"{0.4 + 0.01 * i:.2f}" for i in range(204)))
    assert may_accept(ask)
    np.testing.assert_allclose(ask.listed().wavelengths[[0, -1]], [400, 2430])
    ask.text.appendPlainText("2.44")
    assert "204 band centres expected, 205 found" in ask.message.text()
    ask.text.setPlainText("four hundred")
    assert not may_accept(ask)
    ask.text.setPlainText(" ".join(str(i + 1) for i in range(204)))  # counts are no wavelengths
    assert "no wavelengths in nm or µm" in ask.message.text()
    ask.unit.setCurrentText("µm")
    assert may_accept(ask)


def test_a_file_is_read_and_named_where_it_is_wrong(ask, tmp_path):
    ask.ways.setCurrentIndex(2)
    assert "no file is chosen" in ask.message.text()
    ask.file.setText(str(tmp_path / "no.csv"))
    assert "no.csv: there is no such file" in ask.message.text()
    rows = [f"{400 + 10 * i},9,{int(i != 3)}" for i in range(204)]
    (tmp_path / "bands.csv").write_text("\n".join(["wavelength,fwhm,bbl", *rows]))
    ask.file.setText(str(tmp_path / "bands.csv"))
    assert may_accept(ask)
    listed = ask.listed()
    assert np.flatnonzero(~listed.good).tolist() == [3]
    assert (listed.fwhm == 9).all()
    ask.file.setText(str(tmp_path))
    assert not may_accept(ask)


def test_known_wavelengths_are_there_to_be_changed(qtbot, tiny_job):
    dialog = AskWavelengths(tiny_job.cube)
    qtbot.addWidget(dialog)
    np.testing.assert_array_equal(dialog.listed().wavelengths, tiny_job.cube.wavelengths)
    assert dialog.keep.isHidden()  # a scene without a file has no place beside it
