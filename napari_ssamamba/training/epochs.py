"""The epochs of a training: whose weights are kept, and when no better ones are expected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from napari_ssamamba.checkpoint import EpochRecord
from napari_ssamamba.events import Notice, Pace, Progress
from napari_ssamamba.training.events import EpochDone, ModelSoFar, StepDone

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.model.device import Arriving
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.learner import Learner

Result = TypeVar("Result")


class Kept(NamedTuple):
    """What is kept of the epochs.

    Attributes
    ----------
    weights : dict of Tensor
        See `Learner.weights`.
    validation_accuracy : float or None
        Theirs, in percent; None without validation pixels.
    history : tuple of EpochRecord
        All epochs that were run.
    """

    weights: dict[str, Tensor]
    validation_accuracy: float | None
    history: tuple[EpochRecord, ...]


class Choice:
    """Which epoch's weights are kept: those that validate best, or the last ones.

    Parameters
    ----------
    config : TrainingConfig
    n_validation : int
        Pixels.

    Attributes
    ----------
    choosing : bool
        Whether there are enough of them to choose by, see `TrainingConfig.choose_from`.
    history : list of EpochRecord
    kept : EpochRecord or None
        The one whose weights are kept now.
    """

    def __init__(self, config: TrainingConfig, n_validation: int) -> None:
        self.choosing = n_validation >= config.choose_from
        self.history: list[EpochRecord] = []
        self.kept: EpochRecord | None = None
        self._patience = config.patience

    def take(self, epoch: EpochRecord) -> bool:
        """Tell whether the weights after another epoch are kept for now."""
        self.history.append(epoch)
        better = not self.choosing or self.kept is None or _score(epoch) > _score(self.kept)
        if better:
            self.kept = epoch
        return better

    @property
    def is_settled(self) -> bool:
        """Whether no better epoch is expected."""
        if self.kept is None or not self.choosing:
            return False
        return self.history[-1].epoch - self.kept.epoch >= self._patience


def _score(epoch: EpochRecord) -> tuple[float, float]:
    """Return an accuracy, and for equal ones −loss: tuples compare in this order."""
    return epoch.validation_accuracy or 0.0, -(epoch.validation_loss or 0.0)


def run_epochs(
    learner: Learner, draft: Checkpoint | None = None
) -> Generator[Progress, None, Kept]:
    """Run the epochs of a training.

    Parameters
    ----------
    learner : Learner
    draft : Checkpoint, optional
        With it, the model so far is told after each epoch.

    Yields
    ------
    Progress
        In optimiser steps.
    """
    config = learner.config
    validated = len(learner.validation) > 0
    choice = Choice(config, len(learner.validation))
    pace = Pace(config.epochs * learner.steps_per_epoch)
    weights: dict[str, Tensor] = {}

    for epoch in range(1, config.epochs + 1):
        pace.text = f"Epoch {epoch} of {config.epochs}"
        losses: list[float] = []

        def told(loss: Arriving, losses: list[float] = losses) -> StepDone:
            losses.append(learner.checked(loss))
            pace.done += 1
            return StepDone(**pace.fields(), loss=losses[-1])

        before: Arriving | None = None  # a GPU is at the next step while Python tells of one
        for drawn in learner.batches():
            loss = yield from _paced(learner.step(*drawn), pace)
            if before is not None:
                yield told(before)
            before = loss
        if before is not None:
            yield told(before)
        last = epoch == config.epochs
        if config.settle_norms and (validated or last):
            yield from _paced(learner.settle_norms(), pace)
        validation_loss = accuracy = None
        if validated:
            validation_loss, accuracy = yield from _paced(learner.validate(), pace)
        record = EpochRecord(epoch, sum(losses) / len(losses), validation_loss, accuracy)
        is_best = choice.take(record)
        if is_best and (choice.choosing or last):
            weights = learner.weights()
        yield _epoch_done(record, pace, config.epochs, is_best)
        if draft is not None:
            so_far = replace(draft, weights=weights or learner.weights())
            yield ModelSoFar(**pace.fields(), checkpoint=so_far)
        if choice.is_settled:
            break
    accuracy = None if choice.kept is None else choice.kept.validation_accuracy
    return Kept(weights, accuracy, tuple(choice.history))


def _epoch_done(record: EpochRecord, pace: Pace, epochs: int, best: bool) -> EpochDone:
    return EpochDone(
        **pace.fields(),
        epoch=record.epoch,
        epochs=epochs,
        loss=record.loss,
        validation_loss=record.validation_loss,
        validation_accuracy=record.validation_accuracy,
        best=best,
    )


def _paced(
    work: Generator[str | None, None, Result], pace: Pace
) -> Generator[Progress, None, Result]:
    """Do a piece of the learner's work, with an event at each of its pauses."""
    while True:
        with pace.working():
            try:
                told = next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
        fields = pace.fields()
        yield Progress(**fields) if told is None else Notice(**(fields | {"text": told}))
