"""Sample scenes in napari's File menu: they open in the viewer's session."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_ssamamba.events import result_of
from napari_ssamamba.plugin.own_layers import STAND_IN


def built_in() -> list[Any]:
    """Make the synthetic scene."""
    return _open(None)


def salinas_a() -> list[Any]:
    """Fetch Salinas-A."""
    return _open("Salinas-A")


def indian_pines() -> list[Any]:
    """Fetch Indian Pines."""
    return _open("Indian Pines")


def pavia_university() -> list[Any]:
    """Fetch Pavia University."""
    return _open("Pavia University")


def salinas() -> list[Any]:
    """Fetch Salinas."""
    return _open("Salinas")


def kennedy_space_center() -> list[Any]:
    """Fetch Kennedy Space Center."""
    return _open("KSC")


def botswana() -> list[Any]:
    """Fetch Botswana."""
    return _open("Botswana")


def _open(name: str | None) -> list[Any]:
    """Start opening a sample.

    napari wants at least one layer of a sample at once, but a download takes minutes and must
    not hold the window: an empty layer stands for the scene until it is there.
    """
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None:
        return _as_layers(name)
    from napari_ssamamba.plugin.reader import show_dock
    from napari_ssamamba.plugin.viewers import session_of

    show_dock(viewer)
    session_of(viewer).workflow.open_sample(name)
    options = {"name": "opening the sample…", "visible": False, "metadata": {STAND_IN: True}}
    return [(np.zeros((1, 1), np.uint8), options, "image")]


def _as_layers(name: str | None) -> list[Any]:
    """Make or fetch the scene now, for whoever has no viewer."""
    from napari_ssamamba.plugin.reader import as_layers

    if name is None:
        from napari_ssamamba.data.sample import sample_scene

        return as_layers(sample_scene()[0])
    from napari_ssamamba.data.downloads import download_sample

    return as_layers(result_of(download_sample(name))[0])
