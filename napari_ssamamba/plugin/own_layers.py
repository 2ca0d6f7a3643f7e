"""The layers of one session in a viewer: held by identity, whatever users do to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Layer

ORDER = (
    "bands",
    "composite",
    "reference",
    "map",
    "to come",
    "confidence",
    "margin",
    "entropy",
    "attention gate",
    "attention self-weight",
    "attention distance",
    "attention entropy",
    "changed pixels",
    "training labels",
    "audited pixels",
    "attention of a pixel",
    "suspect labels",
    "suggestions",
    "spectra regions",
)
"""Roles from the lowest layer to the highest; each is also what its name begins with."""

STAND_IN = "stands for a scene that is being opened"
"""Key in the metadata of layers that go once the scene is there."""

MILLISECONDS_BETWEEN_LAYERS = 30
"""napari takes a tenth of a second for a new layer; the window goes on in between."""


class OwnLayers(QObject):
    """Finds, adds and removes the session's layers.

    A layer is known by the object, so users may rename and move it; one that they delete is
    forgotten, and added anew when there is something new to show in it.

    Parameters
    ----------
    viewer : napari.Viewer
    on_add : callable
        Called with each layer that is added.
    parent : QObject
    """

    def __init__(self, viewer: Viewer, on_add: Callable[[Layer], None], parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._on_add = on_add
        self._layers: dict[str, Any] = {}
        self._named: dict[str, str] = {}
        self._soon: dict[str, Callable[[], Layer]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(MILLISECONDS_BETWEEN_LAYERS)
        self._timer.timeout.connect(self._add_next)
        viewer.layers.events.removed.connect(self._forget)

    def __getitem__(self, role: str) -> Any:
        """Return the layer of a role, None where there is none."""
        return self._layers.get(role)

    def role_of(self, layer: object) -> str | None:
        """Return what a layer shows; None for layers of others."""
        return next((role for role, own in self._layers.items() if own is layer), None)

    def add(self, role: str, layer: Layer) -> None:
        """Add a layer where its role belongs, and leave the active layer as it is.

        To activate the new one and then the old one again would end what is being drawn there.
        """
        self.remove(role)
        layers = self._viewer.layers
        above = [self._layers.get(r) for r in ORDER[ORDER.index(role) + 1 :]]
        places = [layers.index(a) for a in above if a is not None]
        self._layers[role] = layer
        self._named[role] = layer.name
        activates = layers._activate_on_insert  # napari has no public word for it
        layers._activate_on_insert = layers.selection.active is None
        layers.insert(min(places, default=len(layers)), layer)
        layers._activate_on_insert = activates
        self._named[role] = layer.name  # napari numbers names that are taken
        self._on_add(layer)

    def add_soon(self, role: str, make: Callable[[], Layer]) -> None:
        """Add a layer by and by, one at a time, made as late as it is added."""
        self._soon[role] = make
        self._timer.start()

    def _add_next(self) -> None:
        if self._soon:
            role = next(iter(self._soon))
            self.add(role, self._soon.pop(role)())
        if self._soon:
            self._timer.start()

    def remove(self, role: str) -> None:
        """Take a layer out of the viewer; nothing happens where there is none."""
        self._soon.pop(role, None)
        layer = self._layers.pop(role, None)
        if layer is not None:
            self._viewer.layers.remove(layer)

    def clear(self) -> None:
        """Take all of them out."""
        for role in reversed(ORDER):
            self.remove(role)

    def remove_stand_ins(self) -> None:
        """Take out the layers that stood for a scene that was being opened."""
        for layer in [a for a in self._viewer.layers if STAND_IN in a.metadata]:
            self._viewer.layers.remove(layer)

    def rename(self, role: str, name: str) -> None:
        """Change a layer's name, unless the user has given it another."""
        layer = self._layers.get(role)
        if layer is not None and layer.name == self._named[role] and layer.name != name:
            layer.name = name
            self._named[role] = layer.name

    def _forget(self, event: Any) -> None:
        role = self.role_of(event.value)
        if role is not None:
            del self._layers[role]
