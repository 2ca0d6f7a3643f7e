"""Shows the attention: four maps over the scene, and the picked pixel's weights in place."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from napari_ssamamba.audit.attention_maps import WEIGHT_GAMMA, scalar_limits
from napari_ssamamba.data.room import leave_memory
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.gui.plot_colors import HEAT_COLOR_MAP
from napari_ssamamba.plugin.levels import in_levels
from napari_ssamamba.plugin.scaled_image import scaled_image, set_scale
from napari_ssamamba.plugin.session_layers import SessionLayers

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_ssamamba.session.attention import AttentionMaps

ROLES = (
    "attention entropy",
    "attention distance",
    "attention self-weight",
    "attention gate",
)
"""One a value of `ATTENTION_SCALARS`, in its order."""

UNITS = {"attention distance": " pixels"}

PIXEL_ROLE = "attention of a pixel"

MILLISECONDS_BETWEEN_REFRESHES = 100
"""Tiles that come faster are shown together."""


class AttentionLayers(SessionLayers):
    """Shows ``session.attention``; every layer has its scale beside it, which data never change."""

    def _connect(self) -> None:
        self._values: object = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(MILLISECONDS_BETWEEN_REFRESHES)
        self._timer.timeout.connect(self._refresh)
        self._workflow.attention.view_of = self.view
        events = self._session.attention.events
        events.maps.connect(self._show_maps)
        events.maps_tile.connect(self._tile_came)
        events.pixel.connect(self._show_pixel)
        events.choice.connect(self._show_pixel)

    def view(self) -> Window | None:
        """Return the part of the scene that the canvas shows, None where it shows none."""
        cube, camera = self._session.cube, self._viewer.scene.camera
        if cube is None:
            return None
        height, width = self._viewer.canvas.viewbox_size(self._viewer.layers)
        row, column = camera.center[-2:]
        half_rows, half_columns = height / camera.zoom / 2, width / camera.zoom / 2
        seen = Window(
            max(0, round(row - half_rows)),
            min(cube.rows, round(row + half_rows) + 1),
            max(0, round(column - half_columns)),
            min(cube.columns, round(column + half_columns) + 1),
        )
        return seen if min(seen.shape) > 0 else None

    # --- over the scene --------------------------------------------------------------------

    def _show_maps(self) -> None:
        maps = self._session.attention.maps
        if maps is None:
            self._values = None
            for role in ROLES:
                self._layers.remove(role)
            return
        if maps.values is not self._values:
            self._values = maps.values
            self._take_arrays(maps)
        self._refresh()
        for role, limits in zip(ROLES, scalar_limits(maps.model.patch_size), strict=True):
            self._layers.rename(role, _name(role, limits, maps.outdated))

    def _take_arrays(self, maps: AttentionMaps) -> None:
        """Show other arrays in the layers that are there, and the rest in new ones, by and by."""
        for role, values, limits in zip(
            ROLES, maps.values, scalar_limits(maps.model.patch_size), strict=True
        ):
            layer = self._layers[role]
            if role == "attention gate" and not maps.model.gate:
                self._layers.remove(role)
            elif layer is None:
                self._layers.add_soon(role, partial(_layer, role, maps))
            else:
                layer.data = in_levels(values)
                set_scale(layer, limits)

    def _tile_came(self, window: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        for role in ROLES:
            layer = self._layers[role]
            if layer is not None and layer.visible:
                layer.refresh()
        if (maps := self._session.attention.maps) is not None:
            leave_memory(maps.values)

    # --- of a pixel ------------------------------------------------------------------------

    def _show_pixel(self) -> None:
        """Draw the weights where they belong, one cell a pixel of the scene."""
        attention = self._session.attention
        pixel, heat = attention.pixel, attention.heat_map()
        if pixel is None or heat is None or not attention.in_place:
            self._layers.remove(PIXEL_ROLE)
            return
        how = "received by" if attention.choice.received else "of"
        name = f"attention {how} pixel {pixel.row}, {pixel.column} (0–1, cube root)"
        place = heat.window.row0, heat.window.column0
        layer = self._layers[PIXEL_ROLE]
        if layer is None:
            layer = scaled_image(
                heat.inside, name=name, limits=(0, 1), colormap=HEAT_COLOR_MAP, place=place
            )
            layer.gamma = WEIGHT_GAMMA  # see `on_weight_scale`
            self._layers.add(PIXEL_ROLE, layer)
            return
        layer.data = heat.inside
        layer.translate = place
        self._layers.rename(PIXEL_ROLE, name)


def _layer(role: str, maps: AttentionMaps) -> Image:
    """Return a layer of one of the maps."""
    limits = scalar_limits(maps.model.patch_size)[ROLES.index(role)]
    return scaled_image(
        maps.values[ROLES.index(role)],
        name=_name(role, limits, maps.outdated),
        limits=limits,
        visible=role == ROLES[0],
    )


def _name(role: str, limits: tuple[float, float], outdated: bool) -> str:
    """Return a layer's name, with its scale."""
    scale = f"({limits[0]:g}–{limits[1]:.3g}{UNITS.get(role, '')})"
    return f"{role} {scale}{' (outdated)' if outdated else ''}"
