"""The figure of a finished job: scene, reference, map and confidence side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.prediction.class_map import ClassMap

UNLABELLED_COLOUR = "#ffffff"


def save_figure(
    path: Path, cube: Cube, reference: LabelMap, class_map: ClassMap, title: str
) -> None:
    """Draw scene, reference, map and confidence, with a legend of the classes, as PNG.

    Parameters
    ----------
    path : Path
    cube : Cube
    reference : LabelMap
        Its table names and colours the classes.
    class_map : ClassMap
    title : str
        It says so where the scene is synthetic.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from napari_ssamamba.data.composite import CompositeSettings, available_presets, compose

    preset = available_presets(cube)[0]
    panels = {
        preset.capitalize(): compose(cube, CompositeSettings(preset=preset)),
        "Reference": coloured(reference.ids, reference.classes),
        "Predicted map": coloured(class_map.ids, reference.classes),
    }
    figure = Figure(figsize=(16, 5.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    axes = figure.subplots(1, 4)
    for axis, (name, image) in zip(axes, panels.items(), strict=False):
        axis.imshow(image, interpolation="nearest")
        axis.set_title(name)
    shown = axes[3].imshow(class_map.confidence, cmap="viridis", vmin=0, vmax=1)
    axes[3].set_title("Confidence")
    figure.colorbar(shown, ax=axes[3], shrink=0.7)
    for axis in axes:
        axis.set_axis_off()
    legend = [Patch(facecolor=c.color, edgecolor="black", label=c.name) for c in reference.classes]
    figure.legend(handles=legend, loc="outside lower center", ncols=8, frameon=False)
    figure.savefig(path, format="png")


def coloured(ids: NDArray[np.uint16], classes: ClassTable) -> NDArray[np.uint8]:
    """Paint class ids in the table's colours.

    Parameters
    ----------
    ids : ndarray of uint16, shape (rows, columns)
    classes : ClassTable
        Every id but 0 is in it.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
    """
    colours = np.zeros((max(classes.ids, default=0) + 1, 3), np.uint8)
    for id, colour in ((UNLABELLED, UNLABELLED_COLOUR), *((c.id, c.color) for c in classes)):
        colours[id] = tuple(bytes.fromhex(colour.removeprefix("#")))
    return np.asarray(colours[ids])
