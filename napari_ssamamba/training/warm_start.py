"""Starting from the last model: what it takes, and which pixels it has seen."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.errors import BandsError, SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint, MixtureRecord
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.model.network import SSAMamba
    from napari_ssamamba.training.coordinates import Coordinates

FREE = ("bands", "classes", "dropout")
"""Fields of the configuration that may differ, or are compared otherwise."""

_KEPT = "kept from the model that it started from"


def check_start(
    start: Checkpoint, cube: Cube, model: ModelConfig, *, follow_scene: bool = False
) -> ModelConfig:
    """Refuse a model whose weights would mean nothing in the network to be trained.

    Parameters
    ----------
    start : Checkpoint
    cube : Cube
    model : ModelConfig
        Of the network to be trained; its bands and classes stand for nothing.
    follow_scene : bool
        Whether the patch is the scene's choice, which the start has made.

    Returns
    -------
    ModelConfig
        The network's, with the start's patch where that was the scene's choice.

    Raises
    ------
    BandsError
        Where the scene has other bands, or others are switched on.
    SettingError
        Where the network has another form.
    """
    start.check_bands(cube)
    if not np.array_equal(start.band_indices, cube.good_indices):
        raise BandsError(
            f"{cube.name} has {cube.good_indices.size} bands switched on, the model to start from "
            f"has learned from {start.band_indices.size}, or from others. Switch on the same bands "
            "or train anew."
        )
    if follow_scene:
        model = replace(model, patch_size=start.model.patch_size)
    before = asdict(start.model)
    for name, value in asdict(model).items():
        if name not in FREE and value != before[name]:
            raise SettingError(
                name,
                value,
                f"the model to start from has {before[name]!r}; choose it or train anew.",
            )
    return model


def take_weights(
    network: SSAMamba,
    start: Checkpoint,
    outputs: ClassTable,
    coordinates: Coordinates | None = None,
) -> None:
    """Give a new network the weights of a model; classes that it lacks keep their new outputs.

    Parameters
    ----------
    network : SSAMamba
        On the CPU, with new parameters.
    start : Checkpoint
    outputs : ClassTable
        In the order of the new network's outputs; classes are matched by id.
    coordinates : Coordinates, optional
        Those that the new network reads, where it does not read bands.
    """
    known = [i for i in outputs.ids if i in start.classes]
    rows = [outputs.ids.index(i) for i in known]
    rows_before = [start.classes.ids.index(i) for i in known]
    weights = dict(start.weights)
    if coordinates is not None:
        weights = coordinates.entered(weights)
    for name, value in network.head.state_dict(prefix="head.").items():
        weights[name] = value.clone()
        weights[name][rows] = start.weights[name][rows_before]
    network.load_state_dict(weights)


def continue_split(split: Split, start: Checkpoint, cube: Cube) -> Split:
    """Let no pixel validate that the model has learned, and go on validating with its own.

    Parameters
    ----------
    split : Split
    start : Checkpoint
    cube : Cube
        Where it is not the scene of `start`, the split stays as it is.
    """
    if not start.is_of(cube):
        return split
    learned = _mask(start.training_pixels, split.ids.shape)
    validated = _mask(start.validation_pixels, split.ids.shape)
    train = split.train | (split.validation & learned)
    held_out = train & validated & ~learned
    # A class whose other labels were erased would have none left to train on.
    held_out &= np.isin(split.ids, split.ids[train & ~held_out])
    return replace(
        split,
        train=train & ~held_out,
        validation=(split.validation & ~learned) | held_out,
        description=f"{split.description}; pixels of the model started from keep their part",
    )


def continue_mixture(start: Checkpoint) -> MixtureRecord | None:
    """Keep the weights of network and expert: choosing them anew takes longer than going on."""
    mixture = start.record.mixture
    if mixture is None or mixture.how.startswith(_KEPT):
        return mixture
    return replace(mixture, how=f"{_KEPT}: {mixture.how}")


def continue_record(checkpoint: Checkpoint, start: Checkpoint, cube: Cube) -> Checkpoint:
    """Let a model remember which one it started from, and the pixels that that one has seen."""
    record = replace(
        checkpoint.record,
        protocol=f"{checkpoint.record.protocol}, from a model of {start.record.n_train} pixels",
        standardisation=start.record.standardisation,
        synthetic=checkpoint.record.synthetic or start.record.synthetic,
    )
    if not start.is_of(cube):
        return replace(checkpoint, record=record)
    pixels, kept = _joined(checkpoint.training_pixels, start.training_pixels)
    ids = None
    if checkpoint.training_ids is not None and start.training_ids is not None:
        ids = np.concatenate((checkpoint.training_ids, start.training_ids))[kept]
    return replace(
        checkpoint,
        record=record,
        training_pixels=pixels,
        validation_pixels=_joined(checkpoint.validation_pixels, start.validation_pixels)[0],
        training_ids=ids,
    )


def _joined(
    now: NDArray[np.int32], before: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the pixels of both, and where each is first among those of now, then of before."""
    return np.unique(np.concatenate((now, before)), axis=0, return_index=True)


def _mask(pixels: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    mask[pixels[:, 0], pixels[:, 1]] = True
    return mask
