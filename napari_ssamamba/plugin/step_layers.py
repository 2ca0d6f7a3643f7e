"""Shows the pixels to decide about on the scene, and binds the keys that step through them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Points

from napari_ssamamba.plugin.session_layers import SessionLayers

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Layer

    from napari_ssamamba.session.steps import PixelSteps

COLORS = {"suggestions": "#00e5ff", "suspect labels": "#ff5252"}
"""Of the rings, by the layers' roles."""

LOOKED_AT, DECIDED = "#ffffff", "#808080"

SCREEN_SIZE = 14, 60
"""Screen pixels of a ring at least and at most, however far away the scene is."""

SIZE = 3.0
"""Pixels of the scene that a ring is wide, where that is neither too little nor too much."""


class StepLayers(SessionLayers):
    """One layer of rings for each of the lists."""

    def _connect(self) -> None:
        self._shown: dict[str, object] = {}
        self._colored: dict[str, list[str]] = {}
        for role, steps in self._lists().items():
            steps.events.found.connect(partial(self._show, role))
            steps.events.position.connect(self._color_all)

    def _lists(self) -> dict[str, PixelSteps]:
        return {
            "suggestions": self._session.suggestions,
            "suspect labels": self._session.suspects,
        }

    # --- the rings -------------------------------------------------------------------------

    def _show(self, role: str) -> None:
        """Show other pixels in the layer that is there, or in a new one; none where none are."""
        pixels, layer = self._lists()[role].pixels, self._layers[role]
        if pixels is self._shown.get(role):
            return
        self._shown[role] = pixels
        self._colored.pop(role, None)
        if not len(pixels):
            self._layers.remove(role)
        elif layer is None:
            self._layers.add_soon(role, partial(self._layer, role))
        else:
            layer.data = pixels
            self._color(role)

    def _layer(self, role: str) -> Points:
        layer = Points(
            self._lists()[role].pixels,
            name=role,
            size=SIZE,
            canvas_size_limits=SCREEN_SIZE,
            face_color="transparent",
            border_color=self._colors(role),
            border_width=0.15,
            axis_labels=("row", "column"),
        )
        layer.editable = False
        return layer

    def _color_all(self) -> None:
        for role in self._lists():
            self._color(role)

    def _color(self, role: str) -> None:
        layer = self._layers[role]
        if layer is not None and len(layer.data) == len(self._lists()[role].pixels):
            colors = self._colors(role)
            if colors != self._colored.get(role):
                self._colored[role] = colors
                layer.border_color = colors

    def _colors(self, role: str) -> list[str]:
        """Return each ring's colour: that of the list, grey once decided about, white at hand."""
        steps = self._lists()[role]
        about = {d.pixel for d in self._session.decisions.made}
        colors = [DECIDED if tuple(p) in about else COLORS[role] for p in steps.pixels.tolist()]
        if steps.position is not None and steps is self._session.steps:
            colors[steps.position] = LOOKED_AT
        return colors

    # --- the keys --------------------------------------------------------------------------

    def bind_keys(self, provider: Viewer | Layer) -> None:
        """Let G, Y and K step and decide; bound on our layers too, as napari gives Y to images."""
        for key, act in (
            ("G", self._step(1)),
            ("Shift-G", self._step(-1)),
            ("Y", self._deciding("accept")),
            ("K", self._deciding("skip")),
        ):
            provider.bind_key(key, act, overwrite=True)

    def _step(self, by: int) -> Callable[[object], None]:
        def step(provider: object) -> None:
            steps = self._session.steps
            if not len(steps.pixels):
                self._viewer.status = "Nothing to step through: press Suggest in the dock."
            steps.step(by)

        return step

    def _deciding(self, how: str) -> Callable[[object], None]:
        def decide(provider: object) -> None:
            steps = self._session.steps
            self._workflow.request(steps.accept if how == "accept" else steps.skip)

        return decide
