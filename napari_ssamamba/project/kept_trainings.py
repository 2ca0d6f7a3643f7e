"""What a training's file says of it, and which trainings are kept of a scene.

Listing them reads no tensors and needs no PyTorch.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from napari_ssamamba.checkpoint import EpochRecord  # noqa: TC001 (pydantic reads it)
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.model.config import ModelConfig, Preset  # noqa: TC001 (as above)
from napari_ssamamba.project.tensor_files import read_tensor_header
from napari_ssamamba.project.user_data import Kept, folder_of, latest_first
from napari_ssamamba.training.config import TrainingConfig  # noqa: TC001 (as above)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube

KIND = "trainings"
"""Of what is kept, see `folder_of`."""

HEADER = "training"
"""Under which name a file says what it is."""

REMEDY = "Train from the beginning."

VERSION = 2


class TrainingHeader(BaseModel):
    """What a training says of itself; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    format: Literal["napari-ssamamba unfinished training"] = "napari-ssamamba unfinished training"
    version: int = VERSION
    model: Preset | ModelConfig
    config: TrainingConfig
    device: str
    from_model: bool
    history: tuple[EpochRecord, ...]
    losses: tuple[float, ...]
    at_once: tuple[int, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class KeptTraining(Kept):
    """A training that goes on where the same labels are trained on with the same settings.

    Attributes
    ----------
    preset : {"compact", "standard"}
    config : TrainingConfig
    device : str
    epoch : int
        With which it goes on.
    """

    preset: Preset
    config: TrainingConfig
    device: str
    epoch: int

    @property
    def told(self) -> str:
        """E.g. ``standard network, seed 3, epoch 57 of 200``."""
        return f"{self.preset} network, seed {self.config.seed}, {self.told_shortly}"

    @property
    def told_shortly(self) -> str:
        """E.g. ``epoch 57 of 200``."""
        return f"epoch {self.epoch} of {self.config.epochs}"


def kept_trainings(cube: Cube, root: Path) -> list[KeptTraining]:
    """List the trainings of a scene that its labels and settings alone bring back, latest first.

    Damaged ones are left out, and those that began with a model, or a network of other sizes than
    a preset's.

    Parameters
    ----------
    cube : Cube
    root : Path
        See `data_folder`.
    """
    found = []
    for path in folder_of(cube, root, KIND).glob("*.safetensors"):
        if re.fullmatch(r"[0-9a-f]{16}", path.stem):
            with suppress(OSError, FileFormatError):
                changed = datetime.fromtimestamp(path.stat().st_mtime)
                header = read_tensor_header(path, HEADER, TrainingHeader, VERSION, REMEDY)
                if isinstance(header.model, str) and not header.from_model:
                    settings = header.model, header.config, header.device
                    found.append(KeptTraining(path, changed, *settings, len(header.history) + 1))
    return latest_first(found)
