"""Shapes on the scene whose mean spectra are curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QTimer

from napari_ssamamba.audit.regions import pixels_inside
from napari_ssamamba.errors import SSAMambaError
from napari_ssamamba.plugin.session_layers import SessionLayers

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray

ROLE = "spectra regions"

CURVE = "curve"
"""Feature of a shape: the id of its curve, 0 where it has none yet."""

HINT = "Click the corners of a region; a double click ends it."

ELLIPSE_POINTS = 64


class RegionLayer(SessionLayers):
    """One layer with a shape for each region of ``session.curves``.

    Shapes may be drawn, moved and deleted with napari's own tools; the curves follow.
    """

    def _connect(self) -> None:
        self._active_before: Layer | None = None
        self._corners: dict[int, NDArray[np.float64]] = {}  # by curve, as last averaged
        # napari tells of a shape in the midst of drawing it
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._follow_shapes)
        self._workflow.curves.draw_region = self.draw
        self._session.curves.events.curves.connect(self._follow_curves)
        self._session.events.cube.connect(self._forget)
        self._viewer.layers.events.removed.connect(self._layer_removed)

    def draw(self) -> None:
        """Let the user draw a polygon."""
        layer = self._layers[ROLE]
        if layer is None:
            layer = Shapes(
                ndim=2,
                name=ROLE,
                face_color="transparent",
                edge_color="white",
                edge_width=0.5,
                features={CURVE: np.empty(0, int)},
                feature_defaults={CURVE: 0},
                axis_labels=("row", "column"),
            )
            layer.events.data.connect(self._shapes_changed)
            self._layers.add(ROLE, layer)
        if self._active_before is None:
            self._active_before = self._viewer.layers.selection.active
        layer.visible = True
        self._viewer.layers.selection.active = layer
        layer.mode = "add_polygon"
        self._viewer.status = HINT

    def _shapes_changed(self, event: object) -> None:
        self._timer.start()

    def _follow_shapes(self) -> None:
        """Give new shapes a curve, moved ones other pixels, and take away those of deleted ones."""
        layer, cube = self._layers[ROLE], self._session.cube
        if layer is None or cube is None or layer._is_creating:  # napari has no public word for it
            return
        ids = layer.features[CURVE].to_numpy(int).copy()
        empty = []
        for index, (id, kind) in enumerate(zip(ids, layer.shape_type, strict=True)):
            corners = _corners(layer.data[index], kind)
            if id in self._corners and np.array_equal(self._corners[id], corners):
                continue
            pixels = pixels_inside(corners, (cube.rows, cube.columns))
            try:
                if id in self._corners:
                    self._session.curves.move_region(int(id), pixels)
                else:
                    ids[index] = id = self._session.curves.add_region(pixels)
            except SSAMambaError as error:
                self._workflow.told.emit("error", str(error))
                empty.append(index)
                continue
            self._corners[int(id)] = corners
        layer.features = {CURVE: ids}
        layer.feature_defaults = {CURVE: 0}
        if empty:
            self._remove(layer, empty)
        for id in set(self._corners) - set(layer.features[CURVE].to_numpy(int).tolist()):
            del self._corners[id]
            self._session.curves.remove(id)
        self._color(layer)
        if layer.mode.startswith("add_"):
            self._stop_drawing(layer)

    def _follow_curves(self) -> None:
        """Take away the shapes of curves that are gone, and draw the others in their colours."""
        layer = self._layers[ROLE]
        if layer is None or layer._is_creating:
            return
        known = {c.id for c in self._session.curves.curves}
        ids = layer.features[CURVE].to_numpy(int)
        gone = [i for i, id in enumerate(ids) if id in self._corners and id not in known]
        for index in gone:
            del self._corners[int(ids[index])]
        if gone:
            self._remove(layer, gone)
        self._color(layer)

    def _remove(self, layer: Shapes, indices: list[int]) -> None:
        layer.selected_data = set(indices)
        layer.remove_selected()

    def _color(self, layer: Shapes) -> None:
        colors = {c.id: c.color for c in self._session.curves.curves}
        if layer.nshapes:
            ids = layer.features[CURVE].to_numpy(int)
            layer.edge_color = [colors.get(int(id), "white") for id in ids]

    def _stop_drawing(self, layer: Shapes) -> None:
        """Let clicks pick pixels again, and give back the layer that was active."""
        layer.mode = "pan_zoom"
        layer.selected_data = set()
        before, self._active_before = self._active_before, None
        if before is not None and before in self._viewer.layers:
            self._viewer.layers.selection.active = before

    def _forget(self) -> None:
        """Another scene is shown, and its layers are new."""
        self._corners.clear()
        self._active_before = None

    def _layer_removed(self) -> None:
        """Take away the curves of a layer that was deleted."""
        if self._layers[ROLE] is None:
            gone = list(self._corners)
            self._corners.clear()
            for id in gone:
                self._session.curves.remove(id)


def _corners(data: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """Return the corners of a shape, shape (n, 2); napari gives an ellipse by its bounding box."""
    corners = np.array(data, np.float64)
    if kind != "ellipse":
        return corners
    middle = corners.mean(axis=0)
    angles = np.linspace(0, 2 * np.pi, ELLIPSE_POINTS, endpoint=False)[:, None]
    down, across = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    return np.asarray(middle + np.cos(angles) * down + np.sin(angles) * across)
