"""Where a training stands between two of its steps: all that the rest of it depends on.

What it began with (patches, expert, lessons) is not held: the labels, the settings and the seed
make it anew. On a CPU, with the same number of threads, a training that goes on from there ends
with the same weights, bit for bit, as one that was never cut short; on an NVIDIA GPU within
rounding, as its first steps there are launched, and not replayed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.model.dropout import generators_of
from napari_ssamamba.training.optimisation import make_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from napari_ssamamba.checkpoint import EpochRecord
    from napari_ssamamba.training.learner import Learner

NETWORK, KEPT, OPTIMISER, DRAWS, AXES = "network/", "kept/", "optimiser/", "draws/", "axes"
"""How the names of the tensors begin, or read: `TrainingState.tensors`."""

CLOSE = 1e-3
"""Share of an axis by which it may differ from what it was, as from one number of threads to
another: other axes, or turned ones, would mean something else to the weights."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """A training between two of its steps.

    Attributes
    ----------
    history : tuple of EpochRecord
        The epochs that are done; the next one was begun.
    losses : tuple of float
        Of its steps so far.
    at_once : tuple of int
        How many patches are trained, and validated, at once.
    seconds : float
        That the training took so far.
    tensors : dict of Tensor
        On the CPU: the network and its optimiser as they are, the weights that are kept from an
        epoch before, if any, the random numbers' generators, the one for batches as it was when the
        epoch began, and the axes of the coordinates, if any.
    """

    history: tuple[EpochRecord, ...]
    losses: tuple[float, ...]
    at_once: tuple[int, int]
    seconds: float
    tensors: dict[str, Tensor]

    @property
    def epoch(self) -> int:
        """Number of the epoch that was begun, from 1."""
        return len(self.history) + 1

    @property
    def kept(self) -> dict[str, Tensor]:
        """Weights of the epoch that is kept so far; empty where there is none."""
        return _part(self.tensors, KEPT)


def state_of(
    learner: Learner,
    drawing: Tensor,
    kept: Mapping[str, Tensor],
    history: Sequence[EpochRecord],
    losses: Sequence[float],
    seconds: float,
) -> TrainingState:
    """Copy the state of a training after a step.

    Parameters
    ----------
    learner : Learner
    drawing : Tensor
        State of its generator when the epoch began.
    kept : mapping of str to Tensor
    history, losses, seconds
        See `TrainingState`.
    """
    tensors = {f"{KEPT}{name}": value for name, value in kept.items()}
    tensors |= _standing(learner)
    tensors[f"{DRAWS}batches"] = drawing
    for number, values in learner.optimiser.state_dict()["state"].items():
        tensors |= {f"{OPTIMISER}{number}/{name}": value for name, value in values.items()}
    copies = {
        name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()
    }
    at_once = learner.trained_at_once.count, learner.validated_at_once.count
    return TrainingState(tuple(history), tuple(losses), at_once, seconds, copies)


def take_up(learner: Learner, state: TrainingState) -> TrainingState:
    """Bring a training that was not begun yet to where another one stood.

    The generator for batches is set to the beginning of the epoch: the steps that were taken are to
    be drawn once more, and passed over.

    Returns
    -------
    TrainingState
        Without the tensors that the learner has now.

    Raises
    ------
    ValueError
        Where it is not the same training; nothing is changed then.
    """
    _check(learner, state)
    with torch.no_grad():
        learner.network.load_state_dict(_part(state.tensors, NETWORK))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(state.tensors, OPTIMISER).items():
        number, _, kind = name.partition("/")
        moments.setdefault(int(number), {})[kind] = value.clone()
    groups = learner.optimiser.state_dict()["param_groups"]
    learner.optimiser.load_state_dict({"state": moments, "param_groups": groups})
    steps = len(state.history) * learner.steps_per_epoch + len(state.losses)
    all_steps = learner.config.epochs * learner.steps_per_epoch
    learner.schedule = make_schedule(learner.optimiser, learner.config, all_steps, steps)
    for name, generator in _generators(learner).items():
        generator.set_state(state.tensors[name])
    learner.trained_at_once.count, learner.validated_at_once.count = state.at_once
    left = {name: value for name, value in state.tensors.items() if name.startswith(KEPT)}
    return replace(state, tensors=left)


def _standing(learner: Learner) -> dict[str, Tensor]:
    """Return the tensors that a training has from its beginning on, by their names."""
    tensors = {f"{NETWORK}{name}": value for name, value in learner.network.state_dict().items()}
    for name, generator in _generators(learner).items():
        tensors[name] = generator.get_state()
    if learner.coordinates is not None:
        tensors[AXES] = torch.from_numpy(learner.coordinates.axes)
    return tensors


def _generators(learner: Learner) -> dict[str, torch.Generator]:
    """Return all that random numbers come from, by the names of their states."""
    found = {f"{DRAWS}batches": learner.generator}
    dropouts = enumerate(generators_of(learner.network))
    return found | {f"{DRAWS}dropout/{number}": generator for number, generator in dropouts}


def _part(tensors: Mapping[str, Tensor], beginning: str) -> dict[str, Tensor]:
    """Return those whose names begin so, by the rest of the names."""
    return {
        name.removeprefix(beginning): value
        for name, value in tensors.items()
        if name.startswith(beginning)
    }


def _check(learner: Learner, state: TrainingState) -> None:
    """Refuse a state that does not fit; ValueError says why."""
    expected = _standing(learner)
    if state.kept:
        expected |= {f"{KEPT}{name}": value for name, value in learner.weights().items()}
    parameters = [p for group in learner.optimiser.param_groups for p in group["params"]]
    for name in state.tensors:
        if name.startswith(OPTIMISER):
            number, _, kind = name.removeprefix(OPTIMISER).partition("/")
            if not number.isdecimal() or int(number) >= len(parameters):
                raise ValueError(f"there is no {name}")
            parameter = parameters[int(number)]
            expected[name] = torch.zeros(()) if kind == "step" else parameter
    if differing := sorted(expected.keys() ^ state.tensors.keys()):
        raise ValueError(f"{len(differing)} tensors are missing or unknown, e.g. {differing[0]}")
    for name, value in expected.items():
        found = state.tensors[name]
        if found.shape != value.shape or found.dtype != value.dtype:
            raise ValueError(
                f"{name} is {found.dtype} of shape {tuple(found.shape)} instead of {value.dtype} "
                f"of shape {tuple(value.shape)}"
            )
    if state.epoch > learner.config.epochs or len(state.losses) > learner.steps_per_epoch:
        raise ValueError("it has more steps than the training")
    if learner.coordinates is not None:
        before, now = state.tensors[AXES].numpy(), learner.coordinates.axes
        if (np.abs(before - now).max(axis=0) > CLOSE * np.abs(now).max(axis=0)).any():
            raise ValueError("the scene's principal components came out otherwise")
