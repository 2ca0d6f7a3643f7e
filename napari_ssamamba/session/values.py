"""The parts of a session: settings, the map that is shown, the events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.model.config import Preset
    from napari_ssamamba.prediction.class_map import MapTile
    from napari_ssamamba.training.config import Mixture


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """What the user sets before a training.

    Attributes
    ----------
    preset : {"compact", "standard"}
        Size of the network.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    config : TrainingConfig
    from_last : bool
        Whether a training starts from the scene's last model, where that fits.
    members : {"mixed", "network"}
        What makes the map: network and spectral expert, or the network alone.
    """

    preset: Preset = "compact"
    device: str = "auto"
    config: TrainingConfig = field(default_factory=TrainingConfig)
    from_last: bool = True
    members: Mixture = "mixed"


@dataclass(slots=True, eq=False, kw_only=True)
class ShownMap:
    """The map as it is shown, filled while it is computed.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
    confidence : ndarray of float32, shape (rows, columns)
        NaN where nothing was classified yet.
    classes : ClassTable
    complete : bool
        Whether every pixel comes from the model at hand.
    outdated : bool
        Whether labels or model changed since it was computed.
    members : {"mixed", "network"}
        What makes it.
    """

    ids: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    classes: ClassTable
    complete: bool = False
    outdated: bool = False
    members: Mixture = "mixed"

    @classmethod
    def begun(
        cls,
        shape: tuple[int, int],
        classes: ClassTable,
        before: ShownMap | None,
        members: Mixture = "mixed",
    ) -> ShownMap:
        """Return a map of which nothing is computed yet; what is known from before stands there.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        classes : ClassTable
        before : ShownMap or None
        members : {"mixed", "network"}
        """
        if before is None:
            ids, confidence = np.zeros(shape, np.uint16), np.full(shape, np.nan, np.float32)
        else:
            ids, confidence = before.ids.copy(), before.confidence.copy()
        return cls(ids=ids, confidence=confidence, classes=classes, members=members)

    def take(self, tile: MapTile) -> None:
        """Write a finished part into the arrays."""
        here = (tile.window.rows, tile.window.columns)
        self.ids[here], self.confidence[here] = tile.ids, tile.confidence


class SessionEvents(SignalGroup):
    """Emitted after the change, in the thread that made it, which is the main thread."""

    cube = Signal()
    bands = Signal()
    composite = Signal()
    classes = Signal()
    labels = Signal()
    reference = Signal()
    selected_class = Signal()
    training = Signal()
    history = Signal()
    checkpoint = Signal()
    map = Signal()
    map_tile = Signal(object)  # Window
    accuracy = Signal()
    picked = Signal()
    class_spectra = Signal()
