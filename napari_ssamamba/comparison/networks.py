"""Other networks on the same patches, trained as SSA-Mamba is."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.comparison.baselines import Prediction
from napari_ssamamba.data.patches import read_patches
from napari_ssamamba.events import Progress, retold
from napari_ssamamba.model.comparators import build_comparator
from napari_ssamamba.model.device import choose_device
from napari_ssamamba.training.learner import Learner, Samples

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.model.comparators import Comparator
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.config import TrainingConfig


def run_comparator(
    method: Comparator,
    cube: Cube,
    pixels: tuple[NDArray[np.int32], NDArray[np.int32]],
    targets: NDArray[np.int64],
    standardiser: Standardiser,
    model: ModelConfig,
    config: TrainingConfig,
    device: str,
) -> Generator[Progress, None, Prediction]:
    """Train a network by the protocol's optimiser, steps and augmentation; its last weights count.

    Parameters
    ----------
    method : {"cnn", "metaformer"}
    cube : Cube
    pixels : two ndarray of int32, shape (n, 2)
        Row and column of those to learn from, and of those to classify.
    targets : ndarray of int64
        Class numbers of the former.
    standardiser : Standardiser
    model : ModelConfig
        Its patch size is taken.
    config : TrainingConfig
    device : str
        See `choose_device`.
    """
    started = time.perf_counter()
    chosen, n = choose_device(device), len(targets)
    patches = yield from read_patches(cube, np.concatenate(pixels), model.patch_size, standardiser)
    index = torch.from_numpy(patches.index).to(chosen)
    sizes = replace(model, bands=int(cube.good_indices.size), classes=int(targets.max()) + 1)
    generator = torch.Generator().manual_seed(config.seed)
    network = build_comparator(method, sizes, generator).to(chosen)
    learner = Learner(
        network,
        torch.from_numpy(patches.table).to(chosen),
        Samples(index[:n], torch.from_numpy(targets).to(chosen)),
        Samples(index[n:], torch.zeros(len(pixels[1]), dtype=torch.int64, device=chosen)),
        config,
        generator,
    )
    event = Progress(text=f"Training {method}")
    for _ in range(config.epochs):
        for drawn in learner.batches():
            loss = yield from retold(learner.step(*drawn), lambda _: event)
    learner.checked(loss)
    if config.settle_norms:
        for _pause in learner.settle_norms():
            yield event
    trained = time.perf_counter()
    logits = yield from retold(learner.validation_logits(), lambda _: event)
    found: NDArray[np.int64] = logits.argmax(1).cpu().numpy()
    parameters: dict[str, float | int | str] = {
        "patch": model.patch_size,
        "weights": sum(p.numel() for p in network.parameters()),
    }
    return Prediction(found, trained - started, time.perf_counter() - trained, parameters)
