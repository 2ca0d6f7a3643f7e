"""How a scene is to be mapped: checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

from napari_ssamamba.data.tiles import Window, check_region
from napari_ssamamba.errors import SettingError
from napari_ssamamba.model.device import choose_device
from napari_ssamamba.model.inference.form import Precision, choose_precision
from napari_ssamamba.prediction.classifier import automatic_batch_size
from napari_ssamamba.prediction.mixer import Members, check_members

if TYPE_CHECKING:
    import torch

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube


class MapSettings(TypedDict, total=False):
    """Settings of `map_tiles` that the command line has, each with a default there."""

    region: Window | None
    attention: bool
    members: Members
    precision: Precision
    device: str
    batch_size: int | Literal["auto"]


@dataclass(frozen=True, slots=True)
class MapPlan:
    """What settings come to on this machine.

    Attributes
    ----------
    region : Window
    device : torch.device
    dtype : torch.dtype
        That the network computes in where no attention is asked for.
    batch_size : int
        Patches at once.
    """

    region: Window
    device: torch.device
    dtype: torch.dtype
    batch_size: int


def plan_map(
    cube: Cube,
    checkpoint: Checkpoint,
    *,
    region: Window | None = None,
    attention: bool = False,
    members: Members = "mixed",
    precision: Precision = "auto",
    device: str = "auto",
    batch_size: int | Literal["auto"] = "auto",
) -> MapPlan:
    """Check what a map is asked for, with the parameters of `map_tiles`.

    Raises
    ------
    BandsError
        Where the scene has other bands than those trained on.
    SettingError
        Where region, device, batch size, or precision cannot be, where attention is asked of a
        network that has none, or a map by the expert of a model that has none.
    """
    checkpoint.check_bands(cube)
    window = check_region(region, cube)
    chosen = choose_device(device)
    dtype = choose_precision(precision, checkpoint.model, chosen)
    check_members(members, checkpoint)
    if attention and checkpoint.model.attention == "none":
        raise SettingError("attention", True, "this model has no attention; leave it out.")
    if attention and members == "expert":
        raise SettingError("attention", True, "the expert has none; leave it out.")
    size = batch_size
    if size == "auto":
        size = automatic_batch_size(checkpoint.model, chosen, dtype)
    if size < 1:
        raise SettingError("batch_size", size, "choose 1 or more, or auto.")
    return MapPlan(window, chosen, dtype, size)
