"""Checkpoint files: a trained classifier in one file that runs no code when it is read.

The file is a safetensors file. Its tensors are the network's weights (``weights/…``), the
standardiser and the lists of bands and pixels (``scene/…``), and the arrays of the spectral expert
(``expert/…``, see `expert_arrays`); everything else is a JSON header in
its metadata, checked by `CheckpointHeader`.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from napari_ssamamba.checkpoint import Checkpoint, TrainingRecord
from napari_ssamamba.data.classes import ClassTable, LandClass
from napari_ssamamba.data.standardise import Standardiser
from napari_ssamamba.errors import FileFormatError, SSAMambaError
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.project.expert_arrays import (
    expert_arrays,
    expert_from_arrays,
    in_present_form,
)
from napari_ssamamba.project.tensor_files import read_tensors, tensor_bytes, write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from numpy.typing import NDArray
    from torch import Tensor

VERSION = 11
"""Raised when a file's meaning or fields change; older ones stay readable. 2: files may hold a
spectral expert, without which their map would be another one; those of version 1 hold none.
3: they tell how each epoch went. 4: the expert may leave the surroundings out, and corrects the
classes' shares. 5: they tell as what the training pixels were learned. 6: the expert has a
quadratic analysis. 7: it has a logistic regression. 8: it looks at slopes, too.
9: they tell how far standardised values may go. 10: the expert has other classifiers. 11: it counts
what lies around a pixel."""

HEADER = "checkpoint"
"""Where the header is in the file's metadata."""

SCENE_ARRAYS = {
    "center": (np.float32, 1),
    "spread": (np.float32, 1),
    "band_indices": (np.int64, 1),
    "wavelengths": (np.float64, 1),
    "training_pixels": (np.int32, 2),
    "validation_pixels": (np.int32, 2),
    "training_ids": (np.int32, 1),
}
"""Arrays of the file, their types and numbers of axes."""

MAY_MISS = ("wavelengths", "training_ids")
"""Those that a file need not hold."""


class CheckpointHeader(BaseModel):
    """What a checkpoint file says of itself; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    format: Literal["napari-ssamamba checkpoint"] = "napari-ssamamba checkpoint"
    version: int = VERSION
    model: dict[str, bool | int | float | str]
    classes: tuple[LandClass, ...]
    fitted_on: str
    record: TrainingRecord
    scene_bands: int | None = None
    limit: float | None = Field(default=None, gt=0)


def save_checkpoint(checkpoint: Checkpoint, path: str | PathLike[str]) -> None:
    """Write a checkpoint; what stood at `path` stays until the new file is complete.

    Parameters
    ----------
    checkpoint : Checkpoint
    path : path-like
        Its folder is made if it is missing.
    """
    write_bytes(Path(path), checkpoint_bytes(checkpoint))


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """Return the content of a checkpoint's file."""
    header, tensors = checkpoint_parts(checkpoint)
    return tensor_bytes(tensors, HEADER, header)


def checkpoint_parts(checkpoint: Checkpoint) -> tuple[CheckpointHeader, dict[str, Tensor]]:
    """Take a checkpoint apart, into what its file holds."""
    import torch

    limit = checkpoint.standardiser.limit
    header = CheckpointHeader(
        model=asdict(checkpoint.model),
        classes=checkpoint.classes.classes,
        fitted_on=checkpoint.standardiser.fitted_on,
        record=checkpoint.record,
        scene_bands=checkpoint.scene_bands,
        limit=limit if math.isfinite(limit) else None,
    )
    arrays: dict[str, NDArray[Any]] = {
        "center": checkpoint.standardiser.center,
        "spread": checkpoint.standardiser.spread,
        "band_indices": checkpoint.band_indices,
        "training_pixels": checkpoint.training_pixels,
        "validation_pixels": checkpoint.validation_pixels,
    }
    for name in MAY_MISS:
        if (values := getattr(checkpoint, name)) is not None:
            arrays[name] = values
    tensors = {f"weights/{name}": w.contiguous() for name, w in checkpoint.weights.items()}
    for name, values in arrays.items():
        dtype, _ = SCENE_ARRAYS[name]
        tensors[f"scene/{name}"] = torch.tensor(np.ascontiguousarray(values, dtype))
    if checkpoint.expert is not None:
        for name, values in expert_arrays(checkpoint.expert).items():
            tensors[f"expert/{name}"] = torch.tensor(np.ascontiguousarray(values))
    return header, tensors


def load_checkpoint(path: str | PathLike[str]) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    FileFormatError
        Where there is no such file, or it is damaged, is something else, was written by a newer
        version, or holds weights that do not fit its configuration.
    """
    remedy = "Train the model again, or use another copy of the file."
    header, tensors = read_tensors(path, HEADER, CheckpointHeader, VERSION, remedy)
    return checkpoint_of(header, tensors, path, remedy)


def checkpoint_of(
    header: CheckpointHeader, tensors: Mapping[str, Tensor], path: str | PathLike[str], remedy: str
) -> Checkpoint:
    """Put a checkpoint together again, see `checkpoint_parts`.

    Parameters
    ----------
    header : CheckpointHeader
    tensors : mapping of Tensor
    path : path-like
        Where they come from.
    remedy : str
        What to do about a damaged file.

    Raises
    ------
    FileFormatError
        Where they do not fit together.
    """
    try:
        return _assemble(header, tensors)
    except (ValueError, SSAMambaError) as error:
        raise FileFormatError(path, f"its parts do not fit together: {error}", remedy) from error


def _assemble(header: CheckpointHeader, tensors: Mapping[str, Tensor]) -> Checkpoint:
    """Put a checkpoint together; ValueError where the parts contradict each other."""
    arrays: dict[str, Any] = {}
    for name, (dtype, axes) in SCENE_ARRAYS.items():
        tensor = tensors.get(f"scene/{name}")
        if tensor is None and name not in MAY_MISS:
            raise ValueError(f"{name} is missing")
        if tensor is not None:
            arrays[name] = tensor.numpy()
            if arrays[name].dtype != dtype or arrays[name].ndim != axes:
                raise ValueError(f"{name} is {arrays[name].dtype} of shape {tuple(tensor.shape)}")
    try:
        config = ModelConfig(**header.model)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"unknown configuration ({error})") from error
    classes = ClassTable(header.classes)
    if len(classes) != config.classes:
        raise ValueError(f"{len(classes)} classes for {config.classes} outputs")
    for name in ("center", "spread", "band_indices", "wavelengths"):
        if name in arrays and arrays[name].shape != (config.bands,):
            raise ValueError(f"{arrays[name].size} values of {name} for {config.bands} bands")
    bands = arrays["band_indices"]
    if bands.min() < 0 or bands.max() >= (header.scene_bands or header.record.scene_shape[2]):
        raise ValueError("band_indices lie outside the scene's bands")
    ids = arrays.get("training_ids")
    if ids is not None and ids.shape != arrays["training_pixels"].shape[:1]:
        raise ValueError(f"{ids.size} labels for {len(arrays['training_pixels'])} training pixels")
    weights = {
        name.removeprefix("weights/"): tensor
        for name, tensor in tensors.items()
        if name.startswith("weights/")
    }
    _check_weights(config, weights)
    parts = {
        name.removeprefix("expert/"): tensor.numpy()
        for name, tensor in tensors.items()
        if name.startswith("expert/")
    }
    if parts and header.version < 4:
        parts["shift"] = np.zeros(config.classes)
    if parts and header.version < 10:
        parts = in_present_form(parts)
    if parts and header.version < 11:
        parts["support"], parts["usual"] = np.zeros(1), np.zeros(config.classes)
    expert = expert_from_arrays(parts, config.bands, config.classes) if parts else None
    if (expert is None) != (header.record.mixture is None):
        raise ValueError("it holds a spectral expert without its weight, or the other way round")
    return Checkpoint(
        weights=weights,
        model=config,
        standardiser=Standardiser(
            arrays["center"],
            arrays["spread"],
            header.fitted_on,
            math.inf if header.limit is None else header.limit,
        ),
        band_indices=bands,
        wavelengths=arrays.get("wavelengths"),
        classes=classes,
        training_pixels=arrays["training_pixels"],
        validation_pixels=arrays["validation_pixels"],
        record=header.record,
        expert=expert,
        scene_bands=header.scene_bands,
        training_ids=ids,
    )


def _check_weights(config: ModelConfig, weights: Mapping[str, Tensor]) -> None:
    """Compare names, shapes and types with those of a network that takes no memory."""
    from napari_ssamamba.model.network import empty_network

    expected = empty_network(config).state_dict()
    if differing := sorted(expected.keys() ^ weights.keys()):
        raise ValueError(f"{len(differing)} weights are missing or unknown, e.g. {differing[0]}")
    for name, tensor in expected.items():
        found = weights[name]
        if found.shape != tensor.shape or found.dtype != tensor.dtype:
            raise ValueError(
                f"weight {name} has shape {tuple(found.shape)}, the configuration asks for "
                f"{tuple(tensor.shape)}"
            )
