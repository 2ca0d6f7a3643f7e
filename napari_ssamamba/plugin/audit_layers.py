"""Shows the audited pixels on the scene, and flies to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_ssamamba.gui.decision_keys import DECISION_KEYS, decide
from napari_ssamamba.gui.plot_colors import AUDITED_COLOR
from napari_ssamamba.plugin.session_layers import SessionLayers

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from numpy.typing import NDArray

    from napari_ssamamba.audit.decision import DecisionKind

ROLE = "audited pixels"

AUDITED, LOOKED_AT = 1, 2
"""Values in the layer."""

COLORS = {None: "transparent", 0: "transparent", AUDITED: AUDITED_COLOR, LOOKED_AT: "#ffffff"}
"""That of the pixels' mean spectrum, and white for the one that is looked at."""

CLOSE = 12.0
"""Screen pixels of a pixel that is flown to, at least."""

MARGIN = 1.3
"""The view of several pixels is so many times as high and wide as they need."""

KEYS = {"N": 1, "Shift-N": -1}
"""Steps. Neither the viewer nor a layer of images or labels has a use for these keys of napari's,
nor for those of the decisions."""


class AuditLayers(SessionLayers):
    """One layer with the pixels of the audited cell, at any number of them one array."""

    def _connect(self) -> None:
        self._drawn: NDArray[np.int32] = np.empty((0, 2), np.int32)
        self._looked_at: tuple[int, ...] | None = None
        audit = self._session.audit
        audit.events.confusion.connect(self._prepare)
        audit.events.cell.connect(self._show)
        audit.events.position.connect(self._show_position)
        audit.events.look_at.connect(self._fly)
        for key, by in KEYS.items():
            self._viewer.bind_key(key, self._stepper(by), overwrite=True)
        for decision in DECISION_KEYS:
            self._viewer.bind_key(decision.key, self._decider(decision.kind), overwrite=True)

    def _stepper(self, by: int) -> Callable[[Viewer], None]:
        def step(viewer: Viewer) -> None:
            audit = self._session.audit
            if audit.confusion is None:
                viewer.status = audit.missing()
            audit.step(by)

        return step

    def _decider(self, kind: DecisionKind) -> Callable[[Viewer], None]:
        def make_decision(viewer: Viewer) -> None:
            window = viewer.window._qt_window  # napari has no public name of it
            decide(kind, self._session, self._workflow, window)

        return make_decision

    def _prepare(self) -> None:
        """Add the layer, still empty, with the matrix: a new one would hold up the first click."""
        if self._session.audit.confusion is None:
            self._layers.remove(ROLE)
        elif self._layers[ROLE] is None:
            self._layers.add_soon(ROLE, self._new_layer)

    def _new_layer(self) -> Labels:
        """Return a layer with the pixels that are chosen now."""
        cube, audit = self._session.need_cube(), self._session.audit
        self._drawn, self._looked_at = audit.pixels, None
        # 16 bits as all our labels: for another type, napari compiles for a second.
        data = np.zeros((cube.rows, cube.columns), np.uint16)
        data[tuple(audit.pixels.T)] = AUDITED
        return self._layer(data)

    def _show(self) -> None:
        """Show other pixels in the layer that is there, or in a new one."""
        audit = self._session.audit
        layer = self._layers[ROLE]
        if layer is None:
            if audit.cell is not None:
                self._layers.add(ROLE, self._new_layer())
            return
        layer.data[tuple(self._drawn.T)] = 0
        layer.data[tuple(audit.pixels.T)] = AUDITED
        self._drawn, self._looked_at = audit.pixels, None
        layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _layer(self, data: NDArray[np.uint16]) -> Labels:
        layer = Labels(
            data,
            name=ROLE,
            opacity=0.9,
            axis_labels=("row", "column"),
            colormap=DirectLabelColormap(color_dict=COLORS),
        )
        layer.features = {
            "index": [0, AUDITED, LOOKED_AT],
            "audit": ["", "of the chosen confusion", "looked at"],
        }
        layer.editable = False
        return layer

    def _show_position(self) -> None:
        """Mark the pixel that is looked at."""
        layer, audit = self._layers[ROLE], self._session.audit
        if layer is None or audit.position is None:
            return
        if self._looked_at is not None:
            layer.data[self._looked_at] = AUDITED
        self._looked_at = tuple(audit.pixels[audit.position].tolist())
        layer.data[self._looked_at] = LOOKED_AT
        layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _fly(self, pixels: NDArray[np.int32]) -> None:
        """Move the view: close to one pixel, or as far from several as shows them all."""
        camera = self._viewer.scene.camera
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        row, column = ((low + high) / 2).tolist()
        camera.center = (*camera.center[:-2], row, column)
        if len(pixels) == 1:
            camera.zoom = max(camera.zoom, CLOSE)
        else:
            extent = MARGIN * (high - low + 1)
            height, width = self._viewer.canvas.size
            camera.zoom = min(float(height / extent[0]), float(width / extent[1]), CLOSE)
