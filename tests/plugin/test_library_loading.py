from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

from napari_ssamamba.plugin import dock_widget, viewers

if TYPE_CHECKING:
    import pytest


def test_opening_the_dock_loads_libraries_in_a_thread(
    make_napari_viewer: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded_by: list[threading.Thread] = []
    monkeypatch.setattr(
        dock_widget, "_load_libraries", lambda: loaded_by.append(threading.current_thread())
    )
    viewer = make_napari_viewer()
    widget = dock_widget.SSAMambaWidget(viewer)
    qtbot.addWidget(widget)
    gc.collect()  # what nobody holds must not be what starts it
    qtbot.waitUntil(lambda: len(loaded_by) == 1)
    assert loaded_by[0] is not threading.main_thread()


def test_loaded_libraries_are_looked_through_no_more_until_the_window_closes(
    make_napari_viewer: Any, qtbot: Any
) -> None:
    gc.unfreeze()
    viewer = make_napari_viewer()
    viewers.session_of(viewer)
    dock_widget._load_libraries()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000
    viewer.close()
    assert gc.get_freeze_count() == 0


def test_a_fault_of_the_qt_binding_is_told_in_the_dock(
    make_napari_viewer: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dock_widget, "qt_fault", lambda: "Install another version.")
    widget = dock_widget.SSAMambaWidget(make_napari_viewer())
    qtbot.addWidget(widget)
    assert not widget.main.messages.isHidden()
    assert widget.main.messages.text.text() == "Install another version."
