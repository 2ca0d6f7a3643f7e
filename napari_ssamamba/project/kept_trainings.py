"""What a training's file says of it, and which trainings are kept of a scene.

Listing them reads no tensors and needs no PyTorch.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_ssamamba.checkpoint import EpochRecord  # noqa: TC001 (pydantic reads it)
from napari_ssamamba.data.classes import ClassTable, LandClass
from napari_ssamamba.data.processes import is_running, machine
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


@dataclass(frozen=True, slots=True, eq=False)
class TrainedLabels:
    """The labels of a training, seven bytes each.

    Attributes
    ----------
    pixels : ndarray of int32 or, of a large scene, int64, shape (n,)
        Their numbers, row by row.
    ids : ndarray of uint16, shape (n,)
    validate : ndarray of bool, shape (n,)
        Which of them validate; the others are trained on.
    """

    pixels: NDArray[np.integer[Any]]
    ids: NDArray[np.uint16]
    validate: NDArray[np.bool_]

    @classmethod
    def of(cls, split: Split) -> TrainedLabels:
        """Return those of a split."""
        pixels = np.flatnonzero(split.train | split.validation)
        ids, validate = split.ids.reshape(-1)[pixels], split.validation.reshape(-1)[pixels]
        small = split.ids.size <= np.iinfo(np.int32).max
        return cls(pixels.astype(np.int32) if small else pixels, ids, validate)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a file holds of them."""
        ids = self.ids.view(np.int16)  # not every reader knows numbers without a sign
        return {PIXELS: self.pixels, IDS: ids, VALIDATE: self.validate}

    def split(self, shape: tuple[int, int], description: str) -> Split:
        """Return the split again; none of its pixels test."""
        ids, train = np.zeros(shape, np.uint16), np.zeros(shape, bool)
        validation, test = np.zeros(shape, bool), np.zeros(shape, bool)
        ids.reshape(-1)[self.pixels] = self.ids
        train.reshape(-1)[self.pixels] = ~self.validate
        validation.reshape(-1)[self.pixels] = self.validate
        return Split(ids, train, validation, test, description)

    def are(self, labels: NDArray[np.uint16]) -> bool:
        """Tell whether all labels of a scene, shape (rows, columns), are these."""
        return np.count_nonzero(labels) == len(self.pixels) and bool(self._stand(labels).all())

    def same_classes(self, labels: NDArray[np.uint16]) -> list[int]:
        """List the ids of which most labels are in the labels of a scene, too."""
        stand = self._stand(labels)
        return [int(id) for id in np.unique(self.ids) if stand[self.ids == id].mean() > 0.5]

    def _stand(self, labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Tell which of them are in the labels of a scene."""
        return np.asarray(labels.reshape(-1)[self.pixels] == self.ids)


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
    program : tuple of str and int
        Machine and number of the process that wrote it.
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
    program: tuple[str, int]
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

    Damaged ones are left out, those of a network of other sizes than a preset's, those of another
    version or of scene files that changed, and those that another program may be at.

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
                wrote = path.stat().st_mtime
                header = read_tensor_header(path, HEADER, TrainingHeader, VERSION, REMEDY)
                gone = not _is_elsewhere(header.program, wrote)
                if header.scene == named_after(cube) and isinstance(header.model, str) and gone:
                    found.append(
                        KeptTraining(
                            path=path,
                            changed=datetime.fromtimestamp(wrote),
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


def _is_elsewhere(program: tuple[str, int], wrote: float) -> bool:
    """Tell whether another program of this machine may be at what it wrote."""
    where, process = program
    return where == machine() and process != os.getpid() and is_running(process, wrote)


def read_labels(kept: KeptTraining, cube: Cube) -> TrainedLabels:
    """Read the labels of a training that was kept.

    Raises
    ------
    FileFormatError
        Where the file is damaged, or gone.
    """
    arrays = read_arrays(kept.path, HEADER, (PIXELS, IDS, VALIDATE), REMEDY)
    pixels, ids = arrays[PIXELS], arrays[IDS].astype(np.uint16)
    validate = arrays[VALIDATE].astype(bool)
    if not pixels.shape == ids.shape == validate.shape == (pixels.size,):
        raise FileFormatError(kept.path, "its labels do not fit together", REMEDY)
    if pixels.size and not 0 <= pixels.min() <= pixels.max() < cube.rows * cube.columns:
        raise FileFormatError(kept.path, "its labels lie outside of the scene", REMEDY)
    return TrainedLabels(pixels, ids, validate)


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
