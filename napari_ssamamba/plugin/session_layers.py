"""What those who show a part of a session as layers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari import Viewer

    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.plugin.own_layers import OwnLayers
    from napari_ssamamba.session import Session


class SessionLayers(QObject):
    """Ties a part of one session to layers of one viewer; subclasses say which in `_connect`.

    Parameters
    ----------
    viewer : napari.Viewer
    session : Session
    workflow : Workflow
    layers : OwnLayers
    parent : QObject
    """

    def __init__(
        self,
        viewer: Viewer,
        session: Session,
        workflow: Workflow,
        layers: OwnLayers,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._session = session
        self._workflow = workflow
        self._layers = layers
        self._connect()

    def _connect(self) -> None:
        """Begin to follow the session; called once."""
        raise NotImplementedError
