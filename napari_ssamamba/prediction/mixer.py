"""The network's probabilities mixed with the spectral expert's, tile by tile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from napari_ssamamba.errors import SettingError
from napari_ssamamba.events import Notice, Progress
from napari_ssamamba.expert.calibration import pool, with_floor
from napari_ssamamba.expert.numpy_threads import numpy_on_one_thread
from napari_ssamamba.model.device import is_out_of_memory
from napari_ssamamba.prediction.expert_on_device import ExpertOnDevice

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.tiles import Tile
    from napari_ssamamba.events import Pace
    from napari_ssamamba.expert.spectral_expert import SpectralExpert
    from napari_ssamamba.model.device import Arriving

Members = Literal["mixed", "network", "expert"]
"""What makes the map: the network mixed with the spectral expert, or one of them alone."""

CPU = torch.device("cpu")

EXPERT_DEVICES = ("cuda",)
"""Types of devices that evaluate the expert. Apple's GPU has no float64; on a CPU numpy does."""


def check_members(members: Members, checkpoint: Checkpoint) -> None:
    """Check that they can make a checkpoint's map.

    Raises
    ------
    SettingError
        For other ones, and where the expert is asked for and the checkpoint has none.
    """
    if members not in get_args(Members):
        raise SettingError("members", members, f"choose one of {', '.join(get_args(Members))}.")
    if members == "expert" and checkpoint.expert is None:
        raise SettingError(
            "members", members, "this model has no spectral expert; choose mixed or network."
        )


class Mixer:
    """Mixes what network and expert say of a tile's pixels, by the checkpoint's weights.

    Parameters
    ----------
    checkpoint : Checkpoint
    members : {"mixed", "network", "expert"}
    attention : bool
        Whether the network's attention is asked for: then it runs in any case.
    device : torch.device
        An NVIDIA GPU evaluates the expert, too.

    Attributes
    ----------
    uses_network : bool
        Whether the network has to run. Where it counts nothing beside the expert it need not: the
        pool is the sum of weighted log-probabilities, normalised, and 0 times what the network
        says, which is finite, is 0 exactly.

    Raises
    ------
    SettingError
        As `check_members`.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        members: Members,
        *,
        attention: bool = False,
        device: torch.device = CPU,
    ) -> None:
        check_members(members, checkpoint)
        mixture = checkpoint.record.mixture
        self.expert = None if members == "network" else checkpoint.expert
        self.classes = checkpoint.model.classes
        self._on_device, self._given_up = None, ""
        if self.expert is not None and device.type in EXPERT_DEVICES:
            self._on_device = ExpertOnDevice(self.expert, device)
        self._begun: dict[int, Arriving] = {}
        self.weights = np.array([0.0, 1.0])  # network, expert
        if mixture is not None and members != "expert":
            self.weights = np.array([mixture.network_weight, mixture.expert_weight])
        counts = self.expert is None or self.weights[0] > 0
        self.uses_network = counts or (attention and members != "expert")
        half = checkpoint.model.patch_size // 2
        self.margin = half if self.expert is None else max(half, self.expert.margin)

    def unclassified(self, tile: Tile) -> NDArray[np.float32]:
        """Return probabilities as of a network that says nothing, (rows, columns, classes)."""
        equal = np.full((*tile.measured.shape, self.classes), np.nan, np.float32)
        equal[tile.measured] = 1 / self.classes
        return equal

    def mix(
        self, tile: Tile, probabilities: NDArray[np.float32], pace: Pace
    ) -> Generator[Progress, None, NDArray[np.float32]]:
        """Mix a tile's probabilities with the expert's.

        Parameters
        ----------
        tile : Tile
            Its margin is `margin`.
        probabilities : ndarray of float32, shape (rows, columns, classes)
            The network's; NaN where nothing was measured.
        pace : Pace

        Yields
        ------
        Progress

        Returns
        -------
        ndarray of float32, shape (rows, columns, classes)
        """
        if self.expert is None or not tile.measured.any():
            return probabilities
        expert = yield from self._ask(self.expert, tile, pace)
        tiny = np.finfo(np.float64).tiny
        network = np.log(np.maximum(probabilities[tile.measured].astype(np.float64), tiny))
        said = np.stack((with_floor(network, self.expert.floor), expert))
        mixed = np.full_like(probabilities, np.nan)
        mixed[tile.measured] = np.exp(pool(self.weights, said))
        return mixed

    def begin(self, tile: Tile) -> None:
        """Let a GPU begin with a tile that `mix` is asked for later.

        Elsewhere this does nothing. Where its memory runs out, `mix` says so, in a `Notice`, and
        asks the expert on the CPU from then on.
        """
        if self._on_device is None or not tile.measured.any():
            return
        try:
            self._begun[id(tile)] = self._on_device.begin(tile)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            self._on_device = None
            self._given_up = "The GPU ran out of memory; the spectral expert goes on on the CPU"

    def _ask(
        self, expert: SpectralExpert, tile: Tile, pace: Pace
    ) -> Generator[Progress, None, NDArray[np.float64]]:
        """Return what `SpectralExpert.classify` does of a tile."""
        begun = self._begun.pop(id(tile), None)
        if begun is not None:
            with pace.working():
                return begun.get().numpy()
        if self._given_up:
            yield Notice(**(pace.fields() | {"text": self._given_up}))
            self._given_up = ""
        work = expert.classify(tile)
        while True:
            try:
                with pace.working(), numpy_on_one_thread():
                    next(work)
            except StopIteration as end:
                said: NDArray[np.float64] = end.value
                return said
            yield Progress(**pace.fields())
