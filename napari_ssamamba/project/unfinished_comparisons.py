"""Comparisons, kept while they run, so that one that was cut short goes on.

Each split that all methods were scored on has a file in the folder of its scene, named after all
that its scores depend on: labels, settings, methods, device, bands, and when the scene's files were
written. The training that runs is kept as that of any command.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_ssamamba.checkpoint import MixtureRecord  # noqa: TC001 (pydantic reads it)
from napari_ssamamba.comparison.compare import Method, Scored, compare
from napari_ssamamba.data.classes import ClassTable, LandClass
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.events import Notice, Progress
from napari_ssamamba.model.device import choose_device
from napari_ssamamba.project.headers import read_header
from napari_ssamamba.project.tensor_files import write_bytes
from napari_ssamamba.project.unfinished_trainings import UnfinishedTraining, digest_pixels
from napari_ssamamba.project.user_data import folder_of, named_after, remove_oldest
from napari_ssamamba.training.metrics import accuracy_of
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.config import TrainingConfig

KIND = "comparisons"
"""Of what is kept, see `folder_of`."""

UNFINISHED_SPLITS = 100
"""Files that are kept, some kB each, of all scenes together; the oldest go."""

VERSION = 1

REMEDY = "Compare the methods again."


class _KeptScore(BaseModel):
    """A `Scored`; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")

    method: Method
    classes: tuple[LandClass, ...]
    confusion: list[list[int]]
    n_learned: int
    train_seconds: float
    predict_seconds: float
    parameters: dict[str, float | int | str]
    mixture: MixtureRecord | None

    @classmethod
    def of(cls, scored: Scored) -> _KeptScore:
        return cls(
            method=scored.method,
            classes=scored.accuracy.classes.classes,
            confusion=scored.accuracy.confusion.tolist(),
            n_learned=scored.n_learned,
            train_seconds=scored.train_seconds,
            predict_seconds=scored.predict_seconds,
            parameters=scored.parameters,
            mixture=scored.mixture,
        )

    def scored(self) -> Scored:
        return Scored(
            self.method,
            accuracy_of(np.array(self.confusion, np.int64), ClassTable(self.classes)),
            self.n_learned,
            self.train_seconds,
            self.predict_seconds,
            self.parameters,
            self.mixture,
        )


class _File(BaseModel):
    """What a file holds; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    format: Literal["napari-ssamamba unfinished comparison"] = (
        "napari-ssamamba unfinished comparison"
    )
    version: int = VERSION
    scores: tuple[_KeptScore, ...]


class UnfinishedComparison:
    """A comparison on several splits, from the first one's scores until all are told.

    Left as a context without an error, its files go; with one they stay, and the same comparison,
    or one on more splits, takes the scores from there.

    Parameters
    ----------
    cube, classes, methods, device
        As of `comparison.compare.compare`.
    root : Path
        See `data_folder`.
    """

    def __init__(
        self,
        cube: Cube,
        classes: ClassTable,
        methods: Sequence[Method],
        device: str,
        root: Path,
    ) -> None:
        self._cube, self._classes, self._methods = cube, classes, methods
        self._device, self._root = device, root
        self._files: list[Path] = []
        self._training: UnfinishedTraining | None = None

    @property
    def told(self) -> str:
        """What is kept, for the user; nothing where nothing is."""
        training = "" if self._training is None else self._training.told
        if not self._files:
            return training
        splits = "one seed" if len(self._files) == 1 else f"{len(self._files)} seeds"
        kept = f"The scores of {splits} are kept"
        return f"{kept}. {training}" if training else kept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            for path in self._files:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                    path.parent.rmdir()  # where it is the last of its scene

    def run(
        self, split: Split, model: ModelConfig, config: TrainingConfig
    ) -> Generator[Progress, None, list[Scored]]:
        """Return the scores on one split that are kept, if they are, else those of `compare`.

        Yields
        ------
        Progress
            As `compare` does; a `Notice` where scores are kept, where these are damaged, and where
            they cannot be kept.
        """
        masks = split.train, split.validation, split.test
        name = named_after(
            self._cube,
            self._cube.good_indices.tolist(),
            self._classes,
            [digest_pixels(split.ids, mask) for mask in masks],
            list(self._methods),
            model,
            config,
            str(choose_device(self._device)),
        )
        path = folder_of(self._cube, self._root, KIND) / f"{name}.json"
        if path.exists():
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
                scores = read_header(path, text, _File, VERSION, REMEDY).scores
            except FileFormatError as error:
                yield Notice(text=f"What is kept in {path} is of no use: {error.found}.")
            else:
                self._files.append(path)
                yield Notice(
                    text=f"The scores of seed {config.seed} are kept from before, in {path}."
                )
                return [score.scored() for score in scores]
        scored = yield from compare(
            self._cube,
            split,
            self._classes,
            model,
            config,
            self._methods,
            self._device,
            train=self._train,
        )
        kept = _File(scores=tuple(map(_KeptScore.of, scored)))
        try:
            write_bytes(path, kept.model_dump_json().encode())
        except OSError as error:
            yield Notice(
                text=f"The scores cannot be kept ({error}): cut short, they would be lost."
            )
        else:
            self._files.append(path)
            remove_oldest(self._root / KIND, UNFINISHED_SPLITS, path)
        return scored

    def _train(
        self,
        cube: Cube,
        split: Split,
        classes: ClassTable,
        model: ModelConfig,
        config: TrainingConfig,
        device: str,
    ) -> Generator[Progress, None, Checkpoint]:
        """Train on from what is kept of this training, if anything is."""
        job = cube, split, classes, model, config, device, None
        with UnfinishedTraining(*job, self._root) as self._training:
            checkpoint = yield from self._training.run(partial(train, *job))
        self._training = None
        return checkpoint
