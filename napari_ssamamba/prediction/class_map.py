"""The class map and the tiles that it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import Progress
from napari_ssamamba.prediction.order import lattice

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

    Where a mapping goes from coarse to fine, a tile holds every `stride`-th row and column of its
    window, and of these the ones that no tile before held: each pixel comes once.

    Attributes
    ----------
    window : Window
        Where it lies in the scene.
    stride : int
    new : ndarray of bool, shape (rows, columns)
        Which pixels it brings; in the others the arrays mean nothing. Rows and columns are those
        of the window, or every `stride`-th of them.
    ids : ndarray of uint16, shape (rows, columns)
        Class ids, 0 where there is no measurement.
    confidence : ndarray of float32, shape (rows, columns)
        Probability of that class, NaN where there is no measurement.
    margin : ndarray of float32, shape (rows, columns)
        That probability minus the second largest.
    entropy : ndarray of float32, shape (rows, columns)
        Of the probabilities, over its maximum, log of the number of classes: 0 sure, 1 no idea.
    attention : ndarray of float32, shape (4, rows, columns), or None
        `ATTENTION_SCALARS`, where asked for; NaN where there is no measurement.
    probabilities : ndarray of float32, shape (rows, columns, classes), or None
        Of all classes in the model's order, where asked for; NaN where there is no measurement.
    """

    lasting: ClassVar[bool] = True

    window: Window
    stride: int = 1
    new: NDArray[np.bool_]
    ids: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    margin: NDArray[np.float32]
    entropy: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None

    @property
    def lattice(self) -> tuple[slice, slice]:
        """Rows and columns of the scene that its arrays stand for."""
        return lattice(self.window, self.stride)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """How a mapping went.

    Attributes
    ----------
    region : Window
    seconds : float
        Wall time.
    pixels : int
        Pixels that were classified.
    device : str
    precision : {"float32", "bfloat16"}
        That the network ran in.
    """

    region: Window
    seconds: float
    pixels: int
    device: str
    precision: Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ClassMap(Mapped):
    """A map of a scene, or of a region of it.

    Attributes
    ----------
    ids, confidence, margin, entropy, attention
        As in `MapTile`, over the whole scene: ``(rows, columns)``, and 0 or NaN outside `region`.
    classes : ClassTable
    """

    ids: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    margin: NDArray[np.float32]
    entropy: NDArray[np.float32]
    attention: NDArray[np.float32] | None
    classes: ClassTable
