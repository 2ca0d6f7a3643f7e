"""A model outlives the window: saved in one, opened in the next."""

from __future__ import annotations

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


class Files(Dialogs):
    """Chooses one file for everything."""

    def __init__(self) -> None:
        self.path: Path | None = None

    def model_to_open(self, parent: QWidget) -> Path | None:
        return self.path

    def model_to_save(self, parent: QWidget) -> Path | None:
        return self.path


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def dock(qtbot: Any, workflow: Workflow, files: Files) -> MainDock:
    made = MainDock(workflow.session, workflow, files)
    qtbot.addWidget(made)
    return made


def pressed(qtbot: Any, workflow: Workflow, button: Any) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: workflow.job("model") is None, timeout=20_000)


def test_a_model_that_is_saved_and_opened_makes_the_same_map(
    qtbot: Any,
    workflow: Workflow,
    dock: MainDock,
    files: Files,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
) -> None:
    session, train = workflow.session, dock.train
    assert not train.save.isEnabled()
    session.set_checkpoint(tiny_checkpoint)
    pressed(qtbot, workflow, train.save)  # cancelled
    assert list(tmp_path.iterdir()) == []
    files.path = tmp_path / "field.safetensors"
    pressed(qtbot, workflow, train.save)
    assert dock.messages.text.text() == f"The model is in {files.path}."
    session.checkpoint = None
    pressed(qtbot, workflow, train.open)
    opened = session.checkpoint
    assert opened is not None and opened is not tiny_checkpoint
    for name, weights in tiny_checkpoint.weights.items():
        assert torch.equal(opened.weights[name], weights)
    assert session.classes == tiny_checkpoint.classes  # there were none
    assert train.result.text().startswith("Validation OA")
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete, timeout=60_000)
    assert session.map is not None and session.map.classes == tiny_checkpoint.classes


def test_a_model_of_another_scene_and_of_other_names_says_so(
    qtbot: Any,
    workflow: Workflow,
    dock: MainDock,
    files: Files,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
) -> None:
    session = workflow.session
    session.open_cube(Cube("field", np.ones((7, 8, 6), np.float32)))
    id = session.add_class("quarry")
    [first, *_] = tiny_checkpoint.classes
    session.take_class(first)
    session.rename_class(first.id, "lake")
    files.path = tmp_path / "model.safetensors"
    save_checkpoint(tiny_checkpoint, files.path)
    pressed(qtbot, workflow, dock.train.open)
    assert dock.train.result.text().startswith("Of another scene, tiny. ")
    assert session.classes.ids == (id, first.id)
    assert f"otherwise: {first.id} ({first.name}, there lake)." in dock.messages.text.text()


def test_a_file_that_is_no_model_leaves_the_last_one(
    qtbot: Any,
    workflow: Workflow,
    dock: MainDock,
    files: Files,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
) -> None:
    workflow.session.set_checkpoint(tiny_checkpoint)
    files.path = tmp_path / "notes.txt"
    files.path.write_text("no model")
    pressed(qtbot, workflow, dock.train.open)
    assert "notes.txt" in dock.messages.text.text()
    assert workflow.session.checkpoint is tiny_checkpoint
    files.path = tmp_path / "file" / "model.safetensors"
    (tmp_path / "file").write_text("no folder")
    pressed(qtbot, workflow, dock.train.save)
    said = dock.messages.text.text()
    assert said.startswith("Writing the model stopped: ") and str(tmp_path / "file") in said
    assert "Choose another folder" in said


def test_a_name_without_a_suffix_gets_that_of_models(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dock: MainDock
) -> None:
    for typed, path in (("field", "field.safetensors"), ("field.model", "field.model")):
        chosen = str(tmp_path / typed), ""
        monkeypatch.setattr(
            "napari_ssamamba.gui.dialogs.QFileDialog.getSaveFileName", lambda *_, c=chosen: c
        )
        assert Dialogs().model_to_save(dock) == tmp_path / path
    monkeypatch.setattr(
        "napari_ssamamba.gui.dialogs.QFileDialog.getSaveFileName", lambda *_: ("", "")
    )
    assert Dialogs().model_to_save(dock) is None


def test_the_command_line_reads_what_the_window_wrote(
    qtbot: Any,
    workflow: Workflow,
    dock: MainDock,
    files: Files,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
) -> None:
    workflow.session.set_checkpoint(tiny_checkpoint)
    workflow.session.classes = tiny_checkpoint.classes
    workflow.session.rename_class(2, "maize")
    files.path = tmp_path / "field.safetensors"
    pressed(qtbot, workflow, dock.train.save)
    assert load_checkpoint(files.path).classes[2].name == "maize"
