"""What napari's viewer needs where Qt draws off screen."""

from __future__ import annotations

import os
from typing import Any

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Keep how a test ended: napari's viewer fixture asks for it."""
    outcome = yield
    report = outcome.get_result()
    setattr(item, f"rep_{report.when}", report)
    if not hasattr(item, "rep_call"):  # where the set-up failed
        item.rep_call = report


@pytest.fixture(autouse=True)
def _no_graphics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off screen there is no OpenGL to ask what it can do; nothing is drawn then."""
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        from napari._vispy import canvas
        from napari._vispy.layers import base, image, labels
        from napari._vispy.utils import gl

        for module in (gl, image):
            monkeypatch.setattr(module, "get_gl_extensions", lambda: "")
        for module in (gl, canvas, base, image, labels):
            monkeypatch.setattr(module, "get_max_texture_sizes", lambda: (16384, 2048))
