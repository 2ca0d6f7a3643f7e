"""The class map and the tiles that it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.data.classes import ClassTable

__all__ = ["ATTENTION_SCALARS", "ClassMap", "MapTile", "Window"]

ATTENTION_SCALARS = ("entropy", "distance", "self_weight", "gate")
"""What the attention of a pixel is summed up in, averaged over blocks and heads:

- ``entropy`` of the centre query's weights, over its maximum log L: 0 one token, 1 all alike
- ``distance`` from the centre that those weights attend to, in pixels
- ``self_weight``: the weight that the centre gives itself
- ``gate``: mean of the fusion gate at the centre, 0 to 1
"""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MapTile(Progress):
    """A finished part of the map; as progress it counts pixels of the region.

    Attributes
    ----------
    window : Window
        Where it lies in the scene.
    ids : ndarray of uint16, shape of the window
        Class ids, 0 where there is no measurement.
    confidence : ndarray of float32, shape of the window
        Probability of that class, NaN where there is no measurement.
    attention : ndarray of float32, shape (4, *window), or None
        `ATTENTION_SCALARS`, where asked for; NaN where there is no measurement.
    """

    lasting: ClassVar[bool] = True

    window: Window
    ids: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ClassMap:
    """A map of a scene, or of a region of it.

    Attributes
    ----------
    ids, confidence, attention
        As in `MapTile`, over the whole scene: ``(rows, columns)``, and 0 or NaN outside `region`.
    classes : ClassTable
    region : Window
    seconds : float
        Wall time.
    pixels : int
        Pixels that were classified.
    device : str
    """

    ids: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    attention: NDArray[np.float32] | None
    classes: ClassTable
    region: Window
    seconds: float
    pixels: int
    device: str
