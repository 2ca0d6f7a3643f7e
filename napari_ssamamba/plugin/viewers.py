"""Which session belongs to which viewer."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt

from napari_ssamamba.gui.freed_memory import keep_few_pools
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.plugin.activity import Activity
from napari_ssamamba.plugin.bridge import LayerBridge
from napari_ssamamba.plugin.dropped_files import DroppedFiles
from napari_ssamamba.plugin.preferences import preferred_room, preferred_training
from napari_ssamamba.session import Session

if TYPE_CHECKING:
    from napari import Viewer

LOW_SCREEN = 850
"""Pixels that a window may use, below which the docks on the left reach the bottom too."""

_opened: WeakKeyDictionary[Viewer, OpenSession] = WeakKeyDictionary()


class OpenSession(QObject):
    """A session, its jobs and its layers, for as long as the viewer's window is open.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: Viewer) -> None:
        window = viewer.window._qt_window  # napari has no public signal of its closing
        super().__init__(window)
        keep_few_pools()
        self.session = Session()
        self.session.set_training(preferred_training())
        self.session.mapping.room = preferred_room()
        self.workflow = Workflow(self.session, self)
        self.bridge = LayerBridge(viewer, self.session, self.workflow)
        self.dropped = DroppedFiles(self.workflow)
        self.activity = Activity(self.workflow)
        window.installEventFilter(self)
        viewer.layers.events.removing.connect(self._enter_canvas)

    def share_corners(self) -> None:
        """Let the docks on the right reach the bottom: the work there needs the whole height.

        So do those on the left where the screen is a laptop's: with the plots below them, the
        window would be higher than that.
        """
        window = self.parent()
        corner, area = Qt.Corner, Qt.DockWidgetArea
        window.setCorner(corner.BottomRightCorner, area.RightDockWidgetArea)
        if window.screen().availableGeometry().height() < LOW_SCREEN:
            window.setCorner(corner.BottomLeftCorner, area.LeftDockWidgetArea)

    def _enter_canvas(self, event: object = None) -> None:
        """Let what a layer was drawn with be deleted where it was drawn.

        napari 0.9 deletes the layer's programs of the GPU at once, whichever OpenGL context is
        current; it is Qt's, most of the time, and what is drawn next may crash.
        """
        if isalive(self):
            self.parent()._qt_viewer.canvas.native.makeCurrent()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """End the threads when the window closes.

        A close that the program asks for is never refused; one that the user asks for may be, and
        is known by the window being hidden (which is not spontaneous, as minimising is).
        """
        if event.type() in (QEvent.Type.Close, QEvent.Type.Hide):
            asked_by_user = event.type() == QEvent.Type.Close and event.spontaneous()
            minimised = event.type() == QEvent.Type.Hide and event.spontaneous()
            if not asked_by_user and not minimised:
                self.bridge.painting.flush()  # what was just painted is to be kept
                self.workflow.shut_down()
                gc.unfreeze()  # or the scene would stay in memory, see `dock_widget`
        return False


def session_of(viewer: Viewer) -> OpenSession:
    """Return the viewer's session; the first call makes it.

    Parameters
    ----------
    viewer : napari.Viewer
        Or the proxy of one, which napari gives to widgets.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    opened = _opened.get(viewer)
    if opened is None:
        opened = _opened[viewer] = OpenSession(viewer)
    return opened


def known_session_of(viewer: Viewer) -> OpenSession | None:
    """Return the viewer's session where it has one; see `session_of`."""
    return _opened.get(getattr(viewer, "__wrapped__", viewer))
