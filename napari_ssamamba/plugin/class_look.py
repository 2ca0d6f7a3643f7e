"""How classes look in napari's labels layers: colours, and names for the status bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.colormaps import DirectLabelColormap

from napari_ssamamba.data.classes import UNLABELLED

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_ssamamba.data.classes import ClassTable


def colormap_of(classes: ClassTable) -> DirectLabelColormap:
    """Return the colours of a class table; ids that are not in it are transparent."""
    colors: dict[int | None, Any] = {None: "transparent", UNLABELLED: "transparent"}
    colors |= {c.id: c.color for c in classes}
    return DirectLabelColormap(color_dict=colors)


def features_of(classes: ClassTable) -> dict[str, list[Any]]:
    """Return the features that napari shows in the status bar for the pixel below the mouse."""
    return {
        "index": [UNLABELLED, *classes.ids],
        "class": ["unlabelled", *classes.names],
    }


def dress(layer: Labels, classes: ClassTable) -> None:
    """Give a labels layer the colours and names of a class table."""
    layer.colormap = colormap_of(classes)
    layer.features = features_of(classes)
