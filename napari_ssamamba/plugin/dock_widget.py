"""The widget that napari opens: the main dock, with the plots below the picture."""

from __future__ import annotations

import gc
from threading import Thread
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_ssamamba.gui.freed_memory import give_back
from napari_ssamamba.gui.qt_fault import qt_fault
from napari_ssamamba.plugin.viewers import session_of

if TYPE_CHECKING:
    import napari.viewer

LIBRARIES = "libraries"
"""Name of the thread that loads them."""

MILLISECONDS_TO_SHOW = 200
"""When the dock is drawn, and loading libraries no longer delays it."""


class SSAMambaWidget(QWidget):
    """Holds the main dock of the viewer's session.

    Parameters
    ----------
    viewer : napari.Viewer
        Given by napari, which goes by the annotation's exact words.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        from napari_ssamamba.gui.dock import MainDock, PlotsDock

        super().__init__()
        opened = session_of(viewer)
        self.main = MainDock(opened.session, opened.workflow)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.main)
        # Else napari fills half of the side with empty space below the dock.
        self.setSizePolicy(self.main.sizePolicy())
        self.plots = PlotsDock(opened.session, opened.workflow)
        viewer.window.add_dock_widget(self.plots, name="SSA-Mamba plots", area="bottom")
        opened.share_corners()
        QTimer.singleShot(MILLISECONDS_TO_SHOW, self._begin_to_load)
        if fault := qt_fault():
            opened.workflow.told.emit("error", fault)

    def _begin_to_load(self) -> None:
        Thread(target=_load_libraries, name=LIBRARIES, daemon=True).start()


def _load_libraries() -> None:
    """Import what a training needs before one begins: it takes seconds.

    In a thread, or the window would freeze for all of it; and without collecting garbage meanwhile:
    so many new objects make Python look through all that it has, which holds the window up too.
    What is there in the end is looked through no more until a window closes: that takes a second.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        import scipy.ndimage
        import scipy.optimize  # noqa: F401
        import torch._dynamo  # noqa: F401  torch's optimisers import it when they are made

        import napari_ssamamba.prediction.predictor
        import napari_ssamamba.training.trainer  # noqa: F401

        _colour_labels()
    finally:
        gc.freeze()
        give_back(at_once=True)
        if collects:
            gc.enable()


def _colour_labels() -> None:
    """Colour a few labels: napari compiles what does it the first time, which takes seconds."""
    import numpy as np
    from napari.layers import Labels

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.plugin.class_look import dress

    dress(Labels(np.zeros((2, 2), np.uint16)), ClassTable().add("class"))
