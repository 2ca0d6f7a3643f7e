"""Shows the bands of the session's scene, from its overview where the file is costly to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import QObject

from napari_ssamamba.data.overview import needs_overview
from napari_ssamamba.plugin.band_stack import BandSource, band_levels, contrast_of

if TYPE_CHECKING:
    from napari_ssamamba.data.overview import Overview
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.plugin.own_layers import OwnLayers
    from napari_ssamamba.session import Session


class BandLayer(QObject):
    """Shows ``session.cube``; large scenes in levels of which napari reads what is seen.

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
        self._layers = layers
        self._source: BandSource | None = None
        workflow.scene.overview_ready.connect(self._take_overview)

    def show(self) -> None:
        """Show another scene; a large one when its colour image is there, or on demand."""
        cube = self._session.need_cube()
        self._source = BandSource(cube)
        levels = band_levels(self._source)
        bands = Image(
            levels if len(levels) > 1 else levels[0],
            multiscale=len(levels) > 1,
            name="bands",
            contrast_limits=contrast_of(cube),
            axis_labels=("band", "row", "column"),
            metadata={"scene": cube.name, "synthetic": cube.synthetic},
            visible=len(levels) == 1 and not needs_overview(cube),
        )
        self._layers.add("bands", bands)

    def _take_overview(self, overview: Overview) -> None:
        if self._source is not None:
            self._source.overview = overview
        layer = self._layers["bands"]
        if layer is not None and layer.visible:
            layer.refresh()
