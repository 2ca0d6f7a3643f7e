"""What a training's file says of it, and which trainings are kept of a scene.

Listing them reads no tensors and needs no PyTorch.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_ssamamba.checkpoint import EpochRecord  # noqa: TC001 (pydantic reads it)
from napari_ssamamba.data.classes import ClassTable, LandClass
from napari_ssamamba.data.split import Split
from napari_ssamamba.errors import FileFormatError, SSAMambaError
from napari_ssamamba.model.config import ModelConfig, Preset  # noqa: TC001 (as above)
from napari_ssamamba.project.checkpoints import CheckpointHeader, checkpoint_of
from napari_ssamamba.project.tensor_files import read_arrays, read_part, read_tensor_header
from napari_ssamamba.project.user_data import Kept, folder_of, latest_first, named_after
from napari_ssamamba.training.config import TrainingConfig  # noqa: TC001 (as above)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube

KIND = "trainings"
"""Of what is kept, see `folder_of`."""

HEADER = "training"
"""Under which name a file says what it is."""

REMEDY = "Train from the beginning."

VERSION = 3
"""2: files tell the settings. 3: they hold the labels and the model to start from."""

PIXELS, IDS, VALIDATE = "labels/pixels", "labels/ids", "labels/validate"
"""Names of the arrays that hold the labels."""

START = "start/"
"""How the names of the tensors of the model to start from begin."""


class TrainingHeader(BaseModel):
    """What a training says of itself; unknown names are refused.

    Attributes
    ----------
    model, config, device
        As of `training.trainer.train`.
    start : CheckpointHeader or None
        Of the model that it began with, whose tensors the file holds, too.
    scene : str
        See `named_after`: another one means files that changed since, or another version.
    classes : tuple of LandClass
        All there were, also those without a label.
    bands : tuple of int
        Numbers of those that are trained on, from 0.
    split : str
        Description of it.
    history, losses, at_once, seconds
        As of `TrainingState`.
    """

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    format: Literal["napari-ssamamba unfinished training"] = "napari-ssamamba unfinished training"
    version: int = VERSION
    model: Preset | ModelConfig
    config: TrainingConfig
    device: str
    start: CheckpointHeader | None
    scene: str
    classes: tuple[LandClass, ...]
    bands: tuple[int, ...]
    split: str
    history: tuple[EpochRecord, ...]
    losses: tuple[float, ...]
    at_once: tuple[int, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class KeptTraining(Kept):
    """A training that can go on from its file.

    Attributes
    ----------
    preset : {"compact", "standard"}
    config : TrainingConfig
    device : str
    classes : ClassTable
    bands : tuple of int
    description : str
        Of the split.
    start : CheckpointHeader or None
        Of the model that it began with.
    epoch : int
        With which it goes on.
    """

    preset: Preset
    config: TrainingConfig
    device: str
    classes: ClassTable
    bands: tuple[int, ...]
    description: str
    start: CheckpointHeader | None
    epoch: int

    @property
    def told(self) -> str:
        """E.g. ``standard network, seed 3, epoch 57 of 200``."""
        return f"{self.preset} network, seed {self.config.seed}, {self.told_shortly}"

    @property
    def told_shortly(self) -> str:
        """E.g. ``epoch 57 of 200``."""
        config = self.config if self.start is None else self.config.restarted()
        return f"epoch {self.epoch} of {config.epochs}"


def kept_trainings(cube: Cube, root: Path) -> list[KeptTraining]:
    """List the trainings of a scene that can go on from their files, latest first.

    Damaged ones are left out, those of a network of other sizes than a preset's, and those of
    another version or of scene files that changed.

    Parameters
    ----------
    cube : Cube
    root : Path
        See `data_folder`.
    """
    found = []
    for path in folder_of(cube, root, KIND).glob("*.safetensors"):
        if re.fullmatch(r"[0-9a-f]{16}", path.stem):
            with suppress(OSError, SSAMambaError):
                changed = datetime.fromtimestamp(path.stat().st_mtime)
                header = read_tensor_header(path, HEADER, TrainingHeader, VERSION, REMEDY)
                if header.scene == named_after(cube) and isinstance(header.model, str):
                    found.append(
                        KeptTraining(
                            path=path,
                            changed=changed,
                            preset=header.model,
                            config=header.config,
                            device=header.device,
                            classes=ClassTable(header.classes),
                            bands=header.bands,
                            description=header.split,
                            start=header.start,
                            epoch=len(header.history) + 1,
                        )
                    )
    return latest_first(found)


def label_arrays(split: Split) -> dict[str, NDArray[Any]]:
    """Return what a file holds of a split: the pixels that train or validate, and their classes."""
    used = np.flatnonzero(split.train | split.validation)
    return {
        PIXELS: used,
        IDS: split.ids.ravel()[used].astype(np.int32),
        VALIDATE: split.validation.ravel()[used],
    }


def read_split(kept: KeptTraining, cube: Cube) -> Split:
    """Read the labels of a training that was kept; none test.

    Raises
    ------
    FileFormatError
        Where the file is damaged, or gone.
    """
    arrays = read_arrays(kept.path, HEADER, (PIXELS, IDS, VALIDATE), REMEDY)
    shape = cube.rows, cube.columns
    ids, train = np.zeros(shape, np.uint16), np.zeros(shape, bool)
    validation, test = np.zeros(shape, bool), np.zeros(shape, bool)
    try:
        pixels, validate = arrays[PIXELS], arrays[VALIDATE].astype(bool)
        ids.reshape(-1)[pixels] = arrays[IDS]
        train.reshape(-1)[pixels] = ~validate
        validation.reshape(-1)[pixels] = validate
    except (IndexError, ValueError) as error:
        found = f"its labels do not fit the scene ({error})"
        raise FileFormatError(kept.path, found, REMEDY) from error
    return Split(ids, train, validation, test, kept.description)


def read_start(kept: KeptTraining) -> Checkpoint | None:
    """Read the model that a training began with, if it began with one.

    Raises
    ------
    FileFormatError
        Where the file is damaged, or gone.
    """
    if kept.start is None:
        return None
    tensors = read_part(kept.path, HEADER, START, REMEDY)
    return checkpoint_of(kept.start, tensors, kept.path, REMEDY)
