from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
from typer.testing import CliRunner

from napari_ssamamba.cli import app, viewer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def error_of(*arguments: str) -> str:
    """Run and return the one line of the error."""
    result = CliRunner().invoke(app, list(arguments))
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


def test_open_hands_the_files_to_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = str(tmp_path / "scene.npy")
    np.save(scene, np.ones((5, 6, 7), np.float32))
    calls: list[tuple[str, object]] = []
    window = SimpleNamespace(add_plugin_dock_widget=lambda name: calls.append(("dock", name)))
    shown = SimpleNamespace(
        open=lambda paths, stack, plugin: calls.append(("open", (paths, stack, plugin))),
        window=window,
    )
    napari = SimpleNamespace(Viewer=lambda: shown, run=lambda: calls.append(("run", None)))
    monkeypatch.setattr(viewer, "has_display", lambda: True)
    monkeypatch.setitem(sys.modules, "napari", napari)
    assert CliRunner().invoke(app, ["open", scene]).exit_code == 0
    assert calls == [
        ("open", ([scene], False, "napari-ssamamba")),
        ("dock", "napari-ssamamba"),
        ("run", None),
    ]
    calls.clear()
    assert "nowhere.tif" in error_of("open", "nowhere.tif")
    assert calls == []


def test_the_demo_says_why_there_are_no_pictures_of_the_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = viewer.show_demo(tmp_path, stay=False)
    assert missing is not None and "xvfb-run" in missing
