"""A map that a crash cut short is offered in another window, restored and continued by mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from spectral.io.envi import save_image

from napari_ssamamba.gui import kept_map_jobs
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.project.kept_maps import kept_maps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.window


def test_a_map_goes_on_in_another_window(
    open_window: Callable[[], Any],
    job: Any,
    tmp_path: Path,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_map_jobs, "MILLISECONDS_TO_KEEP", 500)
    cube, _, checkpoint = job
    path = tmp_path / "strips.hdr"
    metadata = {"wavelength": cube.wavelengths.tolist(), "bbl": cube.good_bands.astype(int)}
    save_image(str(path), cube.raw, metadata=metadata)

    def opened() -> Any:
        window = open_window()
        window.workflow.open([path])
        window.until(lambda: window.session.composite_image is not None, 30)
        return window

    crashed = opened()
    panel = crashed.widget.main
    crashed.session.set_checkpoint(checkpoint)
    panel.scroll.ensureWidgetVisible(panel.map)
    crashed.click(panel.map.make)
    crashed.until(lambda: crashed.session.map.share > 0.2, 30)
    crashed.workflow.pause("map", True)
    before: Any = crashed.session.map

    def mapped() -> list[int]:
        return [kept.header.mapped for kept in kept_maps(crashed.session.cube, user_data)]

    crashed.until(lambda: mapped() == [np.count_nonzero(before.level == FINAL)], 15)

    window = opened()
    session, panel = window.session, window.widget.main
    layers = session_of(window.viewer).bridge.layers
    panel.scroll.ensureWidgetVisible(panel.map)
    window.picture("offered")
    assert panel.map.kept.choice.currentText().endswith(" % mapped")
    window.click(panel.map.kept.restore)
    window.until(lambda: session.map is not None, 10)
    shown: Any = session.map
    final = before.level == FINAL
    np.testing.assert_array_equal(shown.ids[final], before.ids[final])
    window.until(lambda: "stopped at" in layers["map"].name, 5)
    assert panel.map.kept.isHidden()
    panel.scroll.ensureWidgetVisible(panel.map)
    window.picture("restored")
    window.click(panel.map.resume)
    window.until(lambda: shown.complete, 60)
    assert layers["map"].name == "map"
    window.until(lambda: mapped() == [90 * 84], 15)
    window.viewer.theme = "light"
    window.viewer.window.resize(1024, 700)
    panel.scroll.ensureWidgetVisible(panel.map)
    window.picture("continued")
