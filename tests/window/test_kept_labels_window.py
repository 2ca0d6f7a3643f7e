"""What is painted with the mouse is kept, and comes back in another window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from spectral.io.envi import save_image

from napari_ssamamba.project.kept_labels import kept_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.window


def shown(window: Any, path: Path) -> None:
    window.workflow.open([path])
    window.until(lambda: window.session.composite_image is not None, 30)
    window.until(lambda: len(window.viewer.layers.selection) > 0, 5)


def test_strokes_come_back_after_a_crash(
    open_window: Callable[[], Any], job: Any, tmp_path: Path, user_data: Path
) -> None:
    path = tmp_path / "strips.hdr"
    save_image(str(path), job[0].raw, metadata={"wavelength": job[0].wavelengths.tolist()})
    crashed = open_window()
    shown(crashed, path)
    n = crashed.paint_two_classes()

    def kept() -> list[int]:
        return [found.pixels for found in kept_labels(crashed.session.cube, user_data)]

    crashed.until(lambda: kept() == [n], 15)

    window = open_window()
    shown(window, path)
    window.picture("offered")
    row = window.widget.main.classes.kept
    assert row.choice.currentText().endswith(f" · {n} px")
    window.click(row.restore)
    window.until(lambda: sum(window.session.label_counts().values()) == n, 10)
    np.testing.assert_array_equal(window.session.labels, crashed.session.labels)
    np.testing.assert_array_equal(
        window.viewer.layers.selection.active.data, crashed.session.labels
    )
    assert window.session.classes == crashed.session.classes
    window.picture("restored")
    assert row.isHidden()
    window.viewer.theme = "light"
    window.choose_brush()
    window.drag((80, 10), (82, 30))
    window.until(lambda: len(kept()) == 2, 15)
    window.picture("painted on")
