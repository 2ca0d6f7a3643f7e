"""Shows a session in a napari viewer, and brings what users do there back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QObject

from napari_ssamamba.gui.freed_memory import give_back
from napari_ssamamba.plugin.attention_layers import AttentionLayers
from napari_ssamamba.plugin.audit_layers import AuditLayers
from napari_ssamamba.plugin.band_layer import BandLayer
from napari_ssamamba.plugin.changes_layers import ChangesLayers
from napari_ssamamba.plugin.class_look import dress
from napari_ssamamba.plugin.levels import in_levels
from napari_ssamamba.plugin.map_layers import MapLayers
from napari_ssamamba.plugin.own_layers import OwnLayers
from napari_ssamamba.plugin.painting import Painting
from napari_ssamamba.plugin.region_layer import RegionLayer
from napari_ssamamba.plugin.step_layers import StepLayers
from napari_ssamamba.prediction.order import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari import Viewer
    from napari.layers import Layer

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.composite import CompositeSettings
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

FIRST_CLASS = "Class 1"
"""Added where a scene is opened and there is no class yet, so that painting works at once."""


class LayerBridge(QObject):
    """Ties one session to one viewer.

    Parameters
    ----------
    viewer : napari.Viewer
    session : Session
    workflow : Workflow
        Its Qt parent.
    """

    def __init__(self, viewer: Viewer, session: Session, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.viewer = viewer
        self.session = session
        self.workflow = workflow
        self.layers = OwnLayers(viewer, self._bind_keys, self)
        self.bands = BandLayer(session, workflow, self.layers, self)
        self.painting = Painting(viewer, session, self.layers, self)
        self.maps = MapLayers(session, workflow, self.layers, self)
        self.attention = AttentionLayers(viewer, session, workflow, self.layers, self)
        self.audit = AuditLayers(viewer, session, workflow, self.layers, self)
        self.steps = StepLayers(viewer, session, workflow, self.layers, self)
        self.changes = ChangesLayers(session, self.layers, self)

        self.regions = RegionLayer(viewer, session, workflow, self.layers, self)
        self._composed: CompositeSettings | None = None
        self._dressed: ClassTable | None = None  # what the reference looks like
        session.events.cube.connect(self._show_cube)
        session.events.bands.connect(self._bands_changed)
        session.events.composite.connect(self._show_composite)
        session.events.reference.connect(self._show_reference)
        session.events.classes.connect(self._dress_reference)
        workflow.job_ended.connect(self._job_ended)
        viewer.dims.events.current_step.connect(self._show_wavelength)
        viewer.scene.camera.events.center.connect(self._look)
        viewer.scene.camera.events.zoom.connect(self._look)
        workflow.job_started.connect(self._look)
        viewer.mouse_drag_callbacks.append(self._clicked)
        self._bind_keys(viewer)

    # --- the scene -------------------------------------------------------------------------

    def _show_cube(self) -> None:
        """Show another scene in place of the one before, its colour image made meanwhile."""
        self.layers.clear()
        self._compose()
        self.bands.show()
        if (bands := self.layers["bands"]) is not None:
            bands.events.visible.connect(self._show_wavelength)
        give_back(at_once=True)  # what the first picture took for its programs, up to 100 MB
        self.viewer.dims.axis_labels = ("band", "row", "column")[-self.viewer.dims.ndim :]
        self.viewer.reset_view()
        self._show_wavelength(None)
        if len(self.session.classes) == 0:
            self.session.add_class(FIRST_CLASS)

    def _bands_changed(self) -> None:
        self._show_wavelength(None)
        self._compose()

    def _compose(self) -> None:
        self._composed = self.session.composite
        self.workflow.scene.compose()

    def _show_composite(self) -> None:
        """Show the image that came, or ask for the one that the settings want."""
        if self.session.composite != self._composed:
            self._compose()
            return
        image = self.session.composite_image
        if image is None:
            return
        layer = self.layers["composite"]
        if layer is not None:
            layer.data = in_levels(image)
            return
        self.layers.add(
            "composite",
            Image(in_levels(image), rgb=True, name="composite", axis_labels=("row", "column")),
        )
        if self.layers["bands"] is not None:
            self.layers["bands"].visible = False

    def _show_reference(self) -> None:
        reference = self.session.reference
        self.layers.remove("reference")
        self._dressed = None
        if reference is not None:
            layer = Labels(
                in_levels(reference.ids),
                name="reference",
                visible=False,
                axis_labels=("row", "column"),
            )
            layer.editable = False
            self.layers.add("reference", layer)
            self._dress_reference()

    def _dress_reference(self) -> None:
        """Give the reference its classes' names and colours."""
        reference, layer = self.session.reference, self.layers["reference"]
        if reference is not None and layer is not None and reference.classes != self._dressed:
            dress(layer, reference.classes)
            self._dressed = reference.classes

    def _show_wavelength(self, event: Any) -> None:
        """Say above the picture which band the slider is at, while bands are seen."""
        cube, dims = self.session.cube, self.viewer.dims
        overlay = self.viewer.canvas.overlays.text
        bands = self.layers["bands"]
        if cube is None or dims.ndim < 3 or bands is None or not bands.visible:
            overlay.visible = False
            return
        band = int(dims.current_step[-3])
        text = f"band {band + 1}"
        if cube.wavelengths is not None and band < cube.bands:
            text += f" · {cube.wavelengths[band]:.1f} nm"
        overlay.text = text
        overlay.visible = True

    def _job_ended(self, kind: str, how: str) -> None:
        if kind == "open":
            self.layers.remove_stand_ins()

    # --- what users do ---------------------------------------------------------------------

    def _look(self, *_: object) -> None:
        """Let a mapping turn to what is seen."""
        view = self.attention.view()
        seen = None if view is None else Seen(view, 1 / self.viewer.scene.camera.zoom)
        self.session.mapping.focus.seen = seen

    def _clicked(self, viewer: Viewer, event: Any) -> Generator[None, None, None]:
        """Pick the pixel that is clicked on without moving; painting and drawing are no picking.

        With Shift, its spectrum is kept in the plot.
        """
        layer = viewer.layers.selection.active
        paints = layer is not None and layer.mode != "pan_zoom"
        if self.session.cube is None or paints or event.button != 1:
            return
        pressed = np.array(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.array(event.pos) - pressed).max() <= 2:
            row, column = (round(p) for p in event.position[-2:])
            self.pick(row, column)
            if "Shift" in event.modifiers and self.session.picked == (row, column):
                self.session.curves.keep_pixel()

    def pick(self, row: int, column: int) -> None:
        """Read a pixel's spectrum, and the classes' where pixels are labelled; audit an error."""
        self.session.pick(row, column)
        self.session.audit.choose_picked()
        if self.session.labels is not None and self.session.labels.any():
            self.workflow.audit.compute_class_spectra()

    def _bind_keys(self, provider: Viewer | Layer) -> None:
        """Let 1 to 9 choose the class.

        napari asks the active layer's own keys first, then its kind's, then the viewer's. On a
        labels layer digits switch modes, which letters do too; so the keys are bound on each of
        our layers, and layers of others keep theirs.
        """
        for n in range(1, 10):
            provider.bind_key(str(n), self._class_chooser(n), overwrite=True)
        self.steps.bind_keys(provider)

    def _class_chooser(self, n: int) -> Callable[[object], None]:
        def choose(provider: object) -> None:
            ids = self.session.classes.ids
            if n <= len(ids):
                self.session.select_class(ids[n - 1])
                layer = self.layers["training labels"]
                if layer is not None:  # also where the eraser was in hand
                    layer.selected_label = ids[n - 1]
            else:
                self.viewer.status = f"There is no class {n} in the table."

        return choose
