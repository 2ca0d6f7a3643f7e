"""What a training needs before its first step: scaling, the network's form, memory for both."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_ssamamba.data.patches import read_spectra
from napari_ssamamba.data.standardise import fit_mean_deviation, fit_min_max, fit_to_scene
from napari_ssamamba.errors import DeviceMemoryError
from napari_ssamamba.model.config import ModelConfig, preset
from napari_ssamamba.model.device import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.events import Progress
    from napari_ssamamba.model.config import Preset
    from napari_ssamamba.training.config import TrainingConfig


def fitted_model(model: Preset | ModelConfig, cube: Cube, classes: int) -> ModelConfig:
    """Fit a network's configuration to the scene's good bands and the number of classes."""
    bands = int(cube.good_indices.size)
    if isinstance(model, ModelConfig):
        return replace(model, bands=bands, classes=classes)
    return preset(model, bands, classes)


def fit_standardiser(
    cube: Cube, pixels: NDArray[np.int32], config: TrainingConfig
) -> Generator[Progress, None, Standardiser]:
    """Fit the scaling of the spectra to training pixels, shape (n, 2), or to the scene."""
    if config.statistics == "scene":
        return (yield from fit_to_scene(cube, ranges=config.standardisation == "min-max"))
    fit = fit_min_max if config.standardisation == "min-max" else fit_mean_deviation
    return fit(read_spectra(cube, pixels))


@contextmanager
def memory_may_lack(device: torch.device, model: ModelConfig, n: int) -> Iterator[None]:
    """Say what to do where not even the network and its pixels fit the device's memory.

    Parameters
    ----------
    device : torch.device
    model : ModelConfig
    n : int
        Training pixels.

    Raises
    ------
    DeviceMemoryError
        In place of PyTorch's own error.
    """
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise DeviceMemoryError(
                f"{device} has too little memory for the network of {model.d_model} channels and "
                f"the {n} training pixels. Choose the preset compact or the device cpu, and close "
                "other programs that use the device."
            ) from error
        raise
