from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command_line import ssamamba
from scipy.io import savemat

from napari_ssamamba.cli import viewer
from napari_ssamamba.errors import SSAMambaError

if TYPE_CHECKING:
    from pathlib import Path


def error_of(*arguments: str) -> str:
    """Run and return the one line of the error."""
    result = ssamamba(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    return line


def test_open_without_a_display_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "has_display", lambda: False)
    error = error_of("open")
    assert "no display" in error and "predict" in error


def test_open_without_napari_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "has_display", lambda: True)
    monkeypatch.setitem(sys.modules, "napari", None)
    assert 'pip install "napari-ssamamba[all]"' in error_of("open")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Arguments of the programs that are started, which end at once and well."""
    commands: list[object] = []

    def start(command: list[str]) -> SimpleNamespace:
        assert command[:4] == [*viewer.PROGRAM, "napari_ssamamba.plugin.scene_window"]
        commands.append(command[4:])
        return SimpleNamespace(wait=lambda: 0)

    monkeypatch.setattr(viewer, "has_display", lambda: True)
    monkeypatch.setattr(viewer.subprocess, "Popen", start)
    return commands


def test_open_hands_the_files_to_the_window(tmp_path: Path, opened: list[object]) -> None:
    scene = tmp_path / "scene.npy"
    np.save(scene, np.ones((5, 6, 7), np.float32))
    assert ssamamba("open", scene).exit_code == 0
    assert opened == [["--", str(scene)]]


def test_open_takes_a_variable_as_the_other_commands_do(
    tmp_path: Path, opened: list[object]
) -> None:
    path = tmp_path / "two.mat"
    savemat(path, {"radiance": np.ones((3, 4, 5)), "reflectance": np.ones((3, 4, 6))})
    assert ssamamba("open", f"{path}:reflectance").exit_code == 0
    assert opened == [["--variable=reflectance", "--", str(path)]]


def test_open_tells_of_a_window_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "has_display", lambda: True)
    monkeypatch.setattr(viewer, "SCENE_WINDOW", "napari_ssamamba.plugin.no_window")
    assert "ended with an error" in error_of("open")


def test_open_tells_of_impossible_files_before_the_window(
    tmp_path: Path, opened: list[object]
) -> None:
    savemat(tmp_path / "s.mat", {"scene": np.ones((3, 4, 5))})
    scene = str(tmp_path / "s.mat")
    assert "nowhere.tif" in error_of("open", "nowhere.tif")
    assert "name one file" in error_of("open", f"{scene}:scene", scene)
    assert opened == []


def test_the_demo_says_why_there_are_no_pictures_of_the_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = viewer.show_demo(tmp_path, stay=False)
    assert missing is not None and "xvfb-run" in missing


def test_a_window_that_fails_is_told_in_whatever_code_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing.py").write_text(
        "import sys\n"
        "sys.stderr.buffer.write('No room in C:/M\u00fcller\\n'.encode('cp1252'))\n"
        "sys.exit(3)\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(viewer, "has_display", lambda: True)
    with pytest.raises(SSAMambaError, match=r"ended with an error \(No room in C:/M\ufffdller\)"):
        viewer.run_window("failing", environment={"PYTHONPATH": str(tmp_path)})
