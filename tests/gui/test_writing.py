"""Files that the user asked for are written, whatever else begins or ends meanwhile."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QThreadPool

from napari_ssamamba.events import Progress
from napari_ssamamba.gui.writing import WRITE
from napari_ssamamba.project import checkpoints
from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from conftest import TinyJob

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.gui.workflow import Workflow


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The first model's write waits for it; what it refuses is an error of the disk."""
    event, begun = threading.Event(), []

    def held(checkpoint: Checkpoint, path: Path) -> None:
        if not begun:
            begun.append(path)
            assert event.wait(20)
        if path.name.startswith("refused"):
            raise OSError(28, "No space left on device", str(path))
        save_checkpoint(checkpoint, path)

    monkeypatch.setattr(checkpoints, "save_checkpoint", held)
    return event


@pytest.fixture
def told(workflow: Workflow) -> list[str]:
    found: list[str] = []
    workflow.told.connect(lambda level, text: found.append(text))
    return found


def is_idle(workflow: Workflow) -> Callable[[], bool]:
    return lambda: workflow.job(WRITE) is None


def test_of_two_writes_into_a_file_the_later_one_stays(
    qtbot: Any,
    workflow: Workflow,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    go_on: threading.Event,
    told: list[str],
) -> None:
    session, path = workflow.session, tmp_path / "m.safetensors"
    later = tiny_checkpoint.classes.rename(2, "Later")
    session.set_checkpoint(tiny_checkpoint)
    workflow.training.save_model(path)
    session.set_checkpoint(replace(tiny_checkpoint, classes=later))
    workflow.training.save_model(path)
    qtbot.wait(100)
    assert not path.exists() and told == []
    go_on.set()
    qtbot.waitUntil(is_idle(workflow))
    assert told == 2 * [f"The model is in {path}."]
    assert load_checkpoint(path).classes.names == later.names


def test_a_write_that_is_cancelled_in_its_last_step_is_waited_for(
    qtbot: Any,
    workflow: Workflow,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    go_on: threading.Event,
) -> None:
    session, path = workflow.session, tmp_path / "m.safetensors"
    later = tiny_checkpoint.classes.rename(2, "Later")
    session.set_checkpoint(tiny_checkpoint)
    workflow.training.save_model(path)
    qtbot.wait(100)
    session.set_checkpoint(replace(tiny_checkpoint, classes=later))
    workflow.training.save_model(path)
    workflow.cancel(WRITE)
    qtbot.wait(100)
    assert not path.exists()
    go_on.set()
    qtbot.waitUntil(is_idle(workflow))
    assert load_checkpoint(path).classes.names == later.names


@pytest.mark.parametrize("name", ["m.safetensors", "refused.safetensors"])
def test_another_scene_ends_no_write(
    qtbot: Any,
    workflow: Workflow,
    tiny_job: TinyJob,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    go_on: threading.Event,
    told: list[str],
    name: str,
) -> None:
    workflow.session.set_checkpoint(tiny_checkpoint)
    workflow.training.save_model(tmp_path / name)
    workflow._replace_cube(replace(tiny_job.cube, fingerprint="another"), None)
    go_on.set()
    qtbot.waitUntil(is_idle(workflow))
    [text] = told
    if name == "m.safetensors":
        assert text == f"The model is in {tmp_path / name}." and (tmp_path / name).exists()
    else:
        assert "No space left on device" in text and name in text


def test_what_waits_is_written_before_the_window_closes(
    workflow: Workflow, tiny_checkpoint: Checkpoint, tmp_path: Path, go_on: threading.Event
) -> None:
    workflow.session.set_checkpoint(tiny_checkpoint)
    for name in ("a", "refused", "b"):
        workflow.training.save_model(tmp_path / f"{name}.safetensors")
    threading.Timer(0.2, go_on.set).start()
    assert workflow.shut_down()
    assert sorted(path.stem for path in tmp_path.glob("*.safetensors")) == ["a", "b"]


def test_a_write_that_finds_no_free_thread_is_not_given_up_either(
    workflow: Workflow, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    go_on = threading.Event()

    def busy() -> Generator[Progress, None, None]:
        assert go_on.wait(20)
        yield Progress()

    for n in range(max(4, QThreadPool.globalInstance().maxThreadCount())):
        workflow.run(f"busy {n}", "Waiting", busy, on_result=lambda _: None)
    workflow.session.set_checkpoint(tiny_checkpoint)
    workflow.training.save_model(tmp_path / "m.safetensors")
    threading.Timer(0.2, go_on.set).start()
    assert workflow.shut_down()
    assert (tmp_path / "m.safetensors").exists()
