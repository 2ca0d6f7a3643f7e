"""Trainings, kept while they run, so that one that was cut short goes on.

Each has a file in the folder of its scene, named after all that the training depends on: labels,
settings, device, bands, when the scene's files were written, and the model to start from.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from napari_ssamamba.data.processes import machine
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.events import Notice, Progress, retold
from napari_ssamamba.model.device import choose_device
from napari_ssamamba.project.checkpoints import checkpoint_parts
from napari_ssamamba.project.kept_trainings import (
    HEADER,
    KIND,
    REMEDY,
    START,
    VERSION,
    TrainedLabels,
    TrainingHeader,
)
from napari_ssamamba.project.tensor_files import read_tensors, tensor_bytes, write_bytes
from napari_ssamamba.project.user_data import folder_of, named_after, remove_oldest
from napari_ssamamba.training.events import StateRefused, StateSoFar
from napari_ssamamba.training.state import TrainingState

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.model.config import ModelConfig, Preset
    from napari_ssamamba.training.config import TrainingConfig

SECONDS_TO_KEEP = 60.0
"""After so long a training's state is in a file, some 100 MB for the preset standard, 130 with a
model to start from; a training that takes less is never written here."""

UNFINISHED_TRAININGS = 3
"""That are kept, of all scenes together; the oldest go."""


class UnfinishedTraining:
    """A training, from its first step until its model is where the user wants it.

    Left as a context without an error, its file goes; with one it stays, and the same training goes
    on from there.

    Parameters
    ----------
    cube, split, classes, model, config, device, start_from
        As of `training.trainer.train`; of the split the labels are held, see `TrainedLabels`.
    root : Path
        See `data_folder`.

    Attributes
    ----------
    path : Path
        Its file.
    epoch : int
        With which the training goes on if it is cut short now; 0 before that is kept.
    """

    def __init__(
        self,
        cube: Cube,
        split: Split,
        classes: ClassTable,
        model: Preset | ModelConfig,
        config: TrainingConfig,
        device: str,
        start_from: Checkpoint | None,
        root: Path,
    ) -> None:
        self.epoch = 0
        start = None if start_from is None else checkpoint_parts(start_from)
        learned = set(np.unique(split.ids[split.train]).tolist())
        name = named_after(
            cube,
            cube.good_indices.tolist(),
            [id for id in classes.ids if id in learned],
            digest_pixels(split.ids, split.train),
            digest_pixels(split.ids, split.validation),
            model,
            config,
            str(choose_device(device)),
            None if start is None else _digest(tensor_bytes(start[1], START, start[0])),
        )
        self._settings: dict[str, Any] = {
            "model": model,
            "config": config,
            "device": device,
            "start": None if start is None else start[0],
            "scene": named_after(cube),
            "program": (machine(), os.getpid()),
            "classes": classes.classes,
            "bands": cube.good_indices.tolist(),
            "split": split.description,
        }
        labels = TrainedLabels.of(split).arrays()
        self._given = {name: torch.from_numpy(array) for name, array in labels.items()}
        if start is not None:
            self._given |= {START + name: tensor for name, tensor in start[1].items()}
        self._root = root
        self.path = folder_of(cube, root, KIND) / f"{name}.safetensors"
        self._refused = False

    @property
    def told(self) -> str:
        """What is kept, for the user; nothing where nothing is."""
        return f"The training is kept up to epoch {self.epoch}" if self.epoch else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
                self.path.parent.rmdir()  # where it is the last of its scene

    def run(
        self, begin: Callable[..., Generator[Progress, None, Checkpoint]]
    ) -> Generator[Progress, None, Checkpoint]:
        """Train on from what is kept, if anything is, else from the beginning.

        Parameters
        ----------
        begin : callable
            `train` with the same parameters; it is given the state that is kept, too.

        Yields
        ------
        Progress
            As `train` does; a `Notice` where what is kept is damaged, and where it cannot be kept.
        """
        state = yield from self._read()
        work = begin(state=state, states_every=SECONDS_TO_KEEP)
        del begin, state  # what they hold is the training's to let go
        return (yield from retold(work, self._keep))

    def _read(self) -> Generator[Progress, None, TrainingState | None]:
        """Return what is kept from before, if anything is."""
        if not self.path.exists():
            return None
        try:
            header, tensors = read_tensors(self.path, HEADER, TrainingHeader, VERSION, REMEDY)
        except FileFormatError as error:
            yield Notice(text=f"What is kept of this training is of no use: {error.found}.")
            return None
        state = TrainingState(
            header.history,
            header.losses,
            header.at_once,
            header.seconds,
            {name: tensor for name, tensor in tensors.items() if name not in self._given},
        )
        self.epoch = state.epoch
        return state

    def _keep(self, event: Progress) -> Progress:
        """Keep the state where it is told; return what else is to be told."""
        if isinstance(event, StateRefused):
            self.epoch = 0
        if not isinstance(event, StateSoFar):
            return event
        told = Progress(
            done=event.done, total=event.total, text=event.text, seconds_left=event.seconds_left
        )
        try:
            self._write(event.state)
        except OSError as error:
            if self._refused:
                return told
            self._refused = True
            return Notice(
                done=event.done,
                total=event.total,
                text=f"The training cannot be kept ({error}): cut short, it would be lost.",
                seconds_left=event.seconds_left,
            )
        self._refused = False
        return told

    def _write(self, state: TrainingState) -> None:
        header = TrainingHeader(
            **self._settings,
            history=state.history,
            losses=state.losses,
            at_once=state.at_once,
            seconds=state.seconds,
        )
        write_bytes(self.path, tensor_bytes(state.tensors | self._given, HEADER, header))
        self.epoch = state.epoch
        remove_oldest(self._root / KIND, UNFINISHED_TRAININGS, self.path)


def digest_pixels(ids: NDArray[np.uint16], pixels: NDArray[np.bool_]) -> str:
    """Tell some labels of a scene from any others.

    Parameters
    ----------
    ids : ndarray of uint16, shape (rows, columns)
    pixels : ndarray of bool, shape (rows, columns)
        Which of them count.
    """
    return _digest(np.flatnonzero(pixels).tobytes(), ids[pixels].tobytes())


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()
