"""A map that a crash cut short, and what was decided about it, come back in another window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from spectral.io.envi import save_image

from napari_ssamamba.gui import kept_decision_jobs, kept_map_jobs
from napari_ssamamba.plugin.attention_layers import ROLES
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.project.kept_decisions import kept_decisions
from napari_ssamamba.project.kept_maps import kept_maps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.window


def test_a_map_and_decisions_come_back_in_another_window(
    open_window: Callable[[], Any],
    job: Any,
    tmp_path: Path,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for jobs in (kept_map_jobs, kept_decision_jobs):
        monkeypatch.setattr(jobs, "MILLISECONDS_TO_KEEP", 500)
    cube, reference, checkpoint = job
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
    box = panel.map.attention.with_map
    crashed.click(box, QPoint(8, box.height() // 2))
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
    np.testing.assert_array_equal(shown.attention[:, final], before.attention[:, final])
    window.until(lambda: all(layers[role] is not None for role in ROLES), 10)
    assert panel.map.attention.with_map.isChecked()
    window.until(lambda: "stopped at" in layers["map"].name, 5)
    assert panel.map.kept.isHidden()
    panel.scroll.ensureWidgetVisible(panel.map)
    window.picture("restored")
    size, theme = window.viewer.window._qt_window.size(), window.viewer.theme
    window.viewer.theme = "light"
    window.viewer.window.resize(900, 600)
    window.picture("restored-light-small")
    window.viewer.theme = theme
    window.viewer.window.resize(size.width(), size.height())
    panel.scroll.ensureWidgetVisible(panel.map)
    window.click(panel.map.resume)
    window.until(lambda: shown.complete, 60)
    assert layers["map"].name == "map"
    assert np.isfinite(layers[ROLES[0]].data[shown.ids != 0]).all()
    window.picture("completed")
    window.until(lambda: mapped() == [90 * 84], 15)

    # decisions about its errors, by keys over the canvas
    session.set_reference(reference)
    window.workflow.audit.confuse()
    window.until(lambda: session.audit.confusion is not None, 20)
    errors = session.audit.confusion.worst()
    session.audit.choose_cell(errors[0])
    window.press(Qt.Key.Key_N)
    for key in (Qt.Key.Key_W, Qt.Key.Key_S, Qt.Key.Key_W):
        window.press(key)
    expected = ["marked wrong", "skipped", "marked wrong"]

    def decided() -> list[list[str]]:
        found = kept_decisions(session.cube, user_data)
        return [[d.kind for d in kept.made] for kept in found]

    window.until(lambda: decided() == [expected], 15)
    again = opened()
    panel = again.widget.main
    panel.scroll.ensureWidgetVisible(panel.audit.decisions)
    again.picture("decisions-offered")
    again.viewer.theme = "light"
    again.viewer.window.resize(1024, 700)
    again.picture("decisions-offered-light")
    assert panel.audit.decisions.kept.isVisible()
    again.click(panel.messages.restore)
    again.until(lambda: len(again.session.decisions.made) == 3, 20)
    assert [d.kind for d in again.session.decisions.made] == expected
    np.testing.assert_array_equal(again.session.map.ids, shown.ids)
    shown_names = {panel.audit.decisions.model.index(0, n).data() for n in (2, 3)}
    assert shown_names <= set(reference.classes.names)  # not those that a new scene begins with
    panel.scroll.ensureWidgetVisible(panel.audit.decisions)
    again.picture("decisions-restored")
