"""The parts of a session: settings, the map that is shown, the events."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.prediction.mosaic import FINAL, Mosaic
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.model.config import Preset
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
    preview : bool
        Whether the map of what is seen is shown while training.
    """

    preset: Preset = "compact"
    device: str = "auto"
    config: TrainingConfig = field(default_factory=TrainingConfig)
    from_last: bool = True
    members: Mixture = "mixed"
    preview: bool = True


@dataclass(slots=True, eq=False, kw_only=True)
class ShownMap(Mosaic):
    """The map as it is shown, filled while it is computed; a complete one stays as it is.

    Attributes
    ----------
    classes : ClassTable
    checkpoint : Checkpoint or None
        The model that makes it; None where labels were classified out of fold.
    members : {"mixed", "network"}
        What makes it.
    complete : bool
        Whether every pixel comes from that model.
    stopped : bool
        Whether it is to be continued, if ever, on demand only.
    outdated : bool
        Whether labels or model changed since that model was trained.
    preview : bool
        Whether it comes from a training that goes on.
    """

    classes: ClassTable
    checkpoint: Checkpoint | None = None
    members: Mixture = "mixed"
    complete: bool = False
    stopped: bool = False
    outdated: bool = False
    preview: bool = False

    @property
    def share(self) -> float:
        """Share of the scene that the model has mapped, 0 to 1."""
        return float(np.count_nonzero(self.level == FINAL) / self.level.size)

    @property
    def percent(self) -> int:
        """The same in whole percent; 100 only where nothing is missing."""
        return math.floor(100 * self.share)

    def state(self) -> str:
        """Say in a word or two how far it is; nothing where it is complete and up to date."""
        if self.preview:
            return "preview"
        said = []
        if self.stopped:
            said.append(f"stopped at {self.percent} %")
        elif not self.complete:
            said.append("mapping…")
        if self.outdated:
            said.append("outdated")
        return ", ".join(said)


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
