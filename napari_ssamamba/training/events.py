"""What a training run tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from napari_ssamamba.events import Notice, Progress

if TYPE_CHECKING:
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.state import TrainingState


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStarted(Progress):
    """The training pixels are read, the network is made.

    Attributes
    ----------
    classes : ClassTable
        Those that are trained: the ones with training pixels.
    model : ModelConfig
    parameters : int
        Number of the network's parameters.
    n_train, n_validation : int
        Pixels.
    epochs : int
        At most so many will be run.
    device : str
    """

    lasting: ClassVar[bool] = True

    classes: ClassTable
    model: ModelConfig
    parameters: int
    n_train: int
    n_validation: int
    epochs: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone(Progress):
    """One step of the optimiser.

    Attributes
    ----------
    loss : float
        Cross-entropy of the step's batch, before the step.
    """

    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochDone(Progress):
    """One epoch, with its validation.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    epochs : int
        At most so many will be run.
    loss : float
        Mean over the epoch's batches.
    validation_loss : float or None
    validation_accuracy : float or None
        Overall accuracy in percent; None where there are no validation pixels.
    best : bool
        Whether these weights are kept for now; always True where the last ones are kept, see
        `TrainingConfig.choose_from`.
    """

    lasting: ClassVar[bool] = True

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    best: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ExpertFitted(Progress):
    """The spectral expert, before the network has learned anything, in a form that maps scenes.

    Attributes
    ----------
    checkpoint : Checkpoint
        Without a network.
    """

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ModelSoFar(Progress):
    """The network after an epoch, in a form that maps scenes.

    Attributes
    ----------
    checkpoint : Checkpoint
        With the weights that would be kept now; without an expert.
    """

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRefused(Notice):
    """The state to go on from is of another training; this one begins anew."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StateSoFar(Progress):
    """The training after a step, from which it can go on in another process.

    Attributes
    ----------
    state : TrainingState
    """

    state: TrainingState
