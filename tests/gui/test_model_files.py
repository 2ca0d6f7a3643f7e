"""A model outlives the window: saved in one, opened in the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from qtpy.QtCore import Qt

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.dock import MainDock
from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session


class Files(Dialogs):
    """Chooses one file for everything."""

    path: Path | None = None

    def model_to_open(self, parent: QWidget) -> Path | None:
        return self.path

    def model_to_save(self, parent: QWidget) -> Path | None:
        return self.path


@dataclass
class Window:
    """The dock, and what its file dialogs choose."""

    qtbot: Any
    workflow: Workflow
    dock: MainDock
    files: Files

    @property
    def session(self) -> Session:
        return self.workflow.session

    @property
    def said(self) -> str:
        return self.dock.messages.text.text()

    def save(self, path: Path | None) -> None:
        self._press(self.dock.train.save, path)

    def open(self, path: Path | None) -> None:
        self._press(self.dock.train.open, path)

    def _press(self, button: QWidget, path: Path | None) -> None:
        self.files.path = path
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        idle = {"model": None, "write": None}
        self.qtbot.waitUntil(lambda: {kind: self.workflow.job(kind) for kind in idle} == idle)


@pytest.fixture
def window(qtbot: Any, workflow: Workflow) -> Window:
    files = Files()
    dock = MainDock(workflow.session, workflow, files)
    qtbot.addWidget(dock)
    return Window(qtbot, workflow, dock, files)


@pytest.fixture
def saved(tiny_checkpoint: Checkpoint, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_checkpoint(tiny_checkpoint, path)
    return path


def test_a_model_that_is_saved_and_opened_makes_the_same_map(
    window: Window, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    session, path = window.session, tmp_path / "field.safetensors"
    assert not window.dock.train.save.isEnabled()
    session.set_checkpoint(tiny_checkpoint)
    window.save(None)  # cancelled
    assert list(tmp_path.iterdir()) == []
    window.save(path)
    assert window.said == f"The model is in {path}."
    session.checkpoint = None
    window.open(path)
    assert window.said == f"Opened {path}. Map the scene takes this model now."
    opened = session.checkpoint
    assert opened is not None and opened is not tiny_checkpoint
    for name, weights in tiny_checkpoint.weights.items():
        assert torch.equal(opened.weights[name], weights)
    assert window.dock.train.result.text().startswith("Validation OA")
    window.workflow.mapping.map_scene()
    window.qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    assert session.map is not None and session.map.classes == tiny_checkpoint.classes


def test_its_classes_can_be_painted_where_nothing_is_painted_yet(
    window: Window, saved: Path, tiny_checkpoint: Checkpoint
) -> None:
    session, learned = window.session, tiny_checkpoint.classes
    session.take_class(learned[5])
    session.add_class("field")  # as a new scene has one
    session.take_class(replace(learned[9], name="lake"))
    window.open(saved)
    assert {c.id: c for c in session.classes} == {
        **{c.id: c for c in learned},
        6: session.classes[6],  # of no class of the model
    }
    assert session.selected_class == learned.ids[0]
    assert "otherwise" not in window.said


def test_a_model_of_another_scene_and_of_other_names_says_so(
    window: Window, saved: Path, tiny_checkpoint: Checkpoint
) -> None:
    session: Any = window.session
    session.open_cube(Cube("field", np.ones((7, 8, 6), np.float32)))
    first = tiny_checkpoint.classes.classes[0]
    session.take_class(first)
    session.rename_class(first.id, "lake")
    session.labels[0, 0] = first.id
    before = session.classes
    window.open(saved)
    assert window.dock.train.result.text().startswith("Of another scene, tiny. ")
    assert session.classes == before  # some of it is painted
    assert f"otherwise: {first.id} ({first.name}, there lake)." in window.said


def test_what_cannot_be_read_or_written_leaves_the_last_model(
    window: Window, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    window.session.set_checkpoint(tiny_checkpoint)
    notes = tmp_path / "notes.txt"
    notes.write_text("no model")
    window.open(notes)
    assert "notes.txt" in window.said
    assert window.session.checkpoint is tiny_checkpoint
    window.save(notes / "model.safetensors")
    assert window.said.startswith("Writing the model stopped: ") and str(notes) in window.said
    assert "Choose another folder" in window.said


def test_a_name_without_a_suffix_gets_that_of_models(
    window: Window, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for typed, path in (
        (str(tmp_path / "field"), tmp_path / "field.safetensors"),
        (str(tmp_path / "field.model"), tmp_path / "field.model"),
        ("", None),
    ):
        monkeypatch.setattr(
            "napari_ssamamba.gui.dialogs.QFileDialog.getSaveFileName", lambda *_, t=typed: (t, "")
        )
        assert Dialogs().model_to_save(window.dock) == path


def test_the_file_has_the_names_that_classes_have_now(
    window: Window, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    window.session.set_checkpoint(tiny_checkpoint)
    window.session.classes = tiny_checkpoint.classes
    window.session.rename_class(2, "maize")
    window.save(tmp_path / "field.safetensors")
    assert load_checkpoint(tmp_path / "field.safetensors").classes[2].name == "maize"
