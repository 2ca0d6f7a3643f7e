"""The epochs of a training: whose weights are kept, and when no better ones are expected."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from napari_ssamamba.checkpoint import EpochRecord
from napari_ssamamba.events import Notice, Pace, Progress
from napari_ssamamba.training.events import EpochDone, ModelSoFar, StateSoFar, StepDone
from napari_ssamamba.training.state import state_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.model.device import Arriving
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.learner import Learner
    from napari_ssamamba.training.state import TrainingState

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
    learner: Learner,
    draft: Checkpoint | None = None,
    state: TrainingState | None = None,
    *,
    started: float = 0.0,
    states_every: float = math.inf,
) -> Generator[Progress, None, Kept]:
    """Run the epochs of a training.

    Parameters
    ----------
    learner : Learner
    draft : Checkpoint, optional
        With it, the model so far is told after each epoch.
    state : TrainingState, optional
        Which the learner has taken up, see `take_up`: the epochs that are done are told, the others
        run.
    started : float
        When the training began, by the monotonic clock.
    states_every : float
        Seconds after which another `StateSoFar` is told.

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
    losses: list[float] = []
    if state is not None:
        weights, losses = state.kept, list(state.losses)
        done = len(state.history) * learner.steps_per_epoch + len(losses)
        pace = Pace(pace.total, done)
        pace.text = f"Epoch {state.epoch} of {config.epochs}"
        for record in state.history:
            yield _epoch_done(record, pace, config.epochs, choice.take(record))

    def told(loss: Arriving) -> StepDone:
        losses.append(learner.checked(loss))
        pace.done += 1
        return StepDone(**pace.fields(), loss=losses[-1])

    state_told = time.monotonic()
    for epoch in range(len(choice.history) + 1, config.epochs + 1):
        pace.text = f"Epoch {epoch} of {config.epochs}"
        drawing = learner.generator.get_state()
        before: Arriving | None = None  # a GPU is at the next step while Python tells of one
        for drawn in islice(learner.batches(), len(losses), None):
            loss = yield from _paced(learner.step(*drawn), pace)
            if before is not None:
                yield told(before)
            before = loss
            now = time.monotonic()
            if now - state_told >= states_every:
                yield told(loss)
                before, state_told = None, now
                so_far = state_of(learner, drawing, weights, choice.history, losses, now - started)
                yield StateSoFar(**pace.fields(), state=so_far)
        if before is not None:
            yield told(before)
        last = epoch == config.epochs
        if config.settle_norms and (validated or last):
            yield from _paced(learner.settle_norms(), pace)
        validation_loss = accuracy = None
        if validated:
            validation_loss, accuracy = yield from _paced(learner.validate(), pace)
        record = EpochRecord(epoch, sum(losses) / len(losses), validation_loss, accuracy)
        losses.clear()
        is_best = choice.take(record)
        if is_best and (choice.choosing or last):
            weights = learner.weights()
        yield _epoch_done(record, pace, config.epochs, is_best)
        if draft is not None:
            model = replace(draft, weights=weights or learner.weights())
            yield ModelSoFar(**pace.fields(), checkpoint=model)
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
