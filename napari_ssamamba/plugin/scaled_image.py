"""Image layers of numbers, whose colours mean the same values all the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_ssamamba.plugin.levels import in_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scaled_image(
    values: NDArray[Any],
    *,
    name: str,
    limits: tuple[float, float],
    colormap: str = "viridis",
    visible: bool = True,
    place: tuple[int, int] = (0, 0),
) -> Image:
    """Return a layer with a colour bar, which napari takes a tenth of a second to make.

    The bar of a hidden layer is made when that is shown.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    name : str
    limits : tuple of float
        Values of the first and the last colour.
    colormap : str
    visible : bool
    place : tuple of int
        Row and column of the scene that the first value belongs to.
    """
    layer = Image(
        in_levels(values),
        name=name,
        colormap=colormap,
        contrast_limits=limits,
        visible=visible,
        translate=place,
        axis_labels=("row", "column"),
    )

    def add_bar(event: object = None) -> None:
        layer.events.visible.disconnect(add_bar)
        layer.colorbar.visible = True

    layer.events.visible.connect(add_bar)
    if visible:
        add_bar()
    return layer


def set_scale(layer: Image, limits: tuple[float, float]) -> None:
    """Fix the range of values that the colours span, and that the slider offers."""
    layer.contrast_limits_range = limits
    layer.contrast_limits = limits
