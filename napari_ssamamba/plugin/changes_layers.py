"""Shows on the scene what a training changed in the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject

from napari_ssamamba.audit.changes import BROKEN, ELSEWHERE, FIXED
from napari_ssamamba.gui.plot_colors import BROKEN_COLOR, ELSEWHERE_COLOR, FIXED_COLOR
from napari_ssamamba.plugin.levels import in_levels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.plugin.own_layers import OwnLayers
    from napari_ssamamba.session import Session

ROLE = "changed pixels"

COLORS = {
    None: "transparent",
    0: "transparent",
    FIXED: FIXED_COLOR,
    BROKEN: BROKEN_COLOR,
    ELSEWHERE: ELSEWHERE_COLOR,
}


class ChangesLayers(QObject):
    """One layer, whose data are replaced after each training.

    Parameters
    ----------
    session : Session
    layers : OwnLayers
    parent : QObject
    """

    def __init__(self, session: Session, layers: OwnLayers, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._layers = layers
        session.changes.events.found.connect(self._show)

    def _show(self) -> None:
        changes = self._session.changes.found
        if changes is None:
            self._layers.remove(ROLE)
        elif self._layers[ROLE] is None:
            pixels = changes.found.pixels
            self._layers.add_soon(ROLE, lambda: self._layer(pixels))
        else:
            self._layers[ROLE].data = in_levels(changes.found.pixels)

    def _layer(self, pixels: NDArray[np.uint16]) -> Labels:
        layer = Labels(
            in_levels(pixels),
            name=ROLE,
            opacity=0.9,
            axis_labels=("row", "column"),
            colormap=DirectLabelColormap(color_dict=COLORS),
        )
        layer.features = {
            "index": [0, FIXED, BROKEN, ELSEWHERE],
            "change": ["", "fixed", "broken", "changed elsewhere"],
        }
        layer.editable = False
        return layer
