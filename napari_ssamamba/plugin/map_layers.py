"""Shows the map, how sure it is, and what of it is still to come, tile by tile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from napari.utils.colormaps import Colormap
from qtpy.QtCore import QObject, QTimer

from napari_ssamamba.plugin.class_look import dress

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.plugin.own_layers import OwnLayers
    from napari_ssamamba.session import Session
    from napari_ssamamba.session.values import ShownMap

MILLISECONDS_BETWEEN_REFRESHES = 200
"""Tiles that come faster are shown together. A refresh uploads the whole layer, which takes 5 ms
and makes the next drawing 25 ms longer at 1580 × 3750 pixels (software rendering)."""

NUMBERS = ("confidence", "margin", "entropy")
"""Layers of numbers from 0 to 1, also the names of their arrays."""

VEIL = Colormap([[0, 0, 0, 0], [0.1, 0.1, 0.1, 0.4]], name="to come")
"""Dims what is provisional or unknown."""


class MapLayers(QObject):
    """Shows ``session.map`` in layers that hold its arrays.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    layers : OwnLayers
    parent : QObject
    """

    def __init__(
        self, session: Session, workflow: Workflow, layers: OwnLayers, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._workflow = workflow
        self._layers = layers
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(MILLISECONDS_BETWEEN_REFRESHES)
        self._timer.timeout.connect(self._refresh)
        self._shown: ShownMap | None = None
        self._filled: ShownMap | None = None  # a tile has come for it
        self._missing = False
        session.events.map.connect(self._show)
        session.events.map_tile.connect(self._tile_came)

    def _show(self) -> None:
        shown = self._session.map
        if shown is None:
            self._shown = self._filled = None
            for role in ("map", *NUMBERS, "to come"):
                self._layers.remove(role)
            return
        self._take_arrays(shown, anew=shown is not self._shown)
        self._shown = shown
        self._refresh()
        self._layers.rename("map", _name(shown))

    def _take_arrays(self, shown: ShownMap, *, anew: bool) -> None:
        """Show the arrays in the layers that are there; the rest wait for something to show.

        Where a mapping begins, its thread has most to do in Python, which both would wait for.
        """
        arrays = self._arrays(shown)
        for role in ("map", *NUMBERS, "to come"):
            layer = self._layers[role]
            if role not in arrays:
                self._layers.remove(role)
            elif layer is None:
                self._missing = True
            elif anew:
                layer.data = arrays[role]
        if anew and self._layers["map"] is not None:
            dress(self._layers["map"], shown.classes)
        if shown is self._filled:
            self._add_layers(shown)

    def _arrays(self, shown: ShownMap) -> dict[str, Any]:
        """Return what is to be shown, by role."""
        wanted = NUMBERS if self._session.mapping.with_margins else NUMBERS[:1]
        arrays = {"map": shown.ids} | {role: getattr(shown, role) for role in wanted}
        return arrays if shown.complete else arrays | {"to come": shown.level}

    def _add_layers(self, shown: ShownMap) -> None:
        """Add the layers that are missing, by and by."""
        self._missing, self._filled = False, shown
        make = {"map": _classes, "to come": _veil}
        for role in self._arrays(shown):
            if self._layers[role] is None:
                self._layers.add_soon(
                    role, partial(make.get(role, partial(_numbers, role=role)), shown)
                )

    def _tile_came(self, window: object) -> None:
        shown = self._session.map
        if shown is not None and (self._missing or shown is not self._filled):
            self._add_layers(shown)
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        for role in ("map", *NUMBERS, "to come"):
            layer = self._layers[role]
            if layer is not None and layer.visible:
                layer.refresh(thumbnail=False, highlight=False, extent=False)


def _name(shown: ShownMap) -> str:
    state = shown.state()
    return f"map ({state})" if state else "map"


def _classes(shown: ShownMap) -> Labels:
    layer = Labels(shown.ids, name=_name(shown), opacity=0.6, axis_labels=("row", "column"))
    layer.editable = False
    dress(layer, shown.classes)
    return layer


def _numbers(shown: ShownMap, role: str) -> Image:
    layer = Image(
        getattr(shown, role),
        name=role,
        colormap="viridis",
        contrast_limits=(0.0, 1.0),
        visible=False,
        axis_labels=("row", "column"),
    )
    layer.colorbar.visible = True
    return layer


def _veil(shown: ShownMap) -> Image:
    return Image(
        shown.level,
        name="to come",
        colormap=VEIL,
        contrast_limits=(0, 1),
        axis_labels=("row", "column"),
    )
