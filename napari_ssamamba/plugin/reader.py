"""Opens scenes that are dropped on napari, or opened from its menu."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_ssamamba.data.readers import can_read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_ssamamba.data.cube import Cube

PLUGIN = "napari-ssamamba"
WIDGET = "SSA-Mamba"


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[Any]] | None:
    """Tell whether files may be a scene, by names and headers; nothing heavy is imported.

    Parameters
    ----------
    path : str or sequence of str

    Returns
    -------
    callable or None
        What reads them, see `read`.
    """
    return read if can_read(path) else None


def read(path: str | Sequence[str]) -> list[Any]:
    """Open a scene in the current viewer's session.

    Parameters
    ----------
    path : str or sequence of str

    Returns
    -------
    list of tuple
        ``[(None,)]``: the layers come when the scene is open. Without a viewer, the bands as
        one lazy image layer.
    """
    from napari import current_viewer

    paths = [Path(path)] if isinstance(path, str) else [Path(p) for p in path]
    viewer = current_viewer()
    if viewer is None:
        from napari_ssamamba.data.readers import open_cube

        return as_layers(open_cube(paths))
    from napari_ssamamba.plugin.viewers import session_of

    show_dock(viewer)
    session_of(viewer).dropped.add(paths)
    return [(None,)]


def as_layers(cube: Cube) -> list[Any]:
    """Return a scene as layer data without a session: its bands, lazily."""
    from napari_ssamamba.plugin.band_stack import BandSource, band_levels, contrast_of

    levels = band_levels(BandSource(cube))
    options = {
        "name": cube.name,
        "contrast_limits": contrast_of(cube),
        "multiscale": len(levels) > 1,
    }
    return [(levels if len(levels) > 1 else levels[0], options, "image")]


def show_dock(viewer: Any) -> None:
    """Open the plugin's widget in a viewer, once."""
    viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
