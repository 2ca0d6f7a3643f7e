"""``ssamamba benchmark --scene --device cuda``: a large scene from file to map on a GPU."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from napari_ssamamba.cli.benchmark_scenes import check_room, parse_size
from napari_ssamamba.cli.report import follow
from napari_ssamamba.data.labels import LabelMap, draw_training_pixels
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.sample.stand_in import plan_stand_in, write_stand_in
from napari_ssamamba.data.split import random_split
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.prediction.benchmark import Row
from napari_ssamamba.prediction.predictor import predict
from napari_ssamamba.training.config import protocol, with_settings
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.sample.stand_in import Interleave
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.prediction.class_map import ClassMap
    from napari_ssamamba.prediction.mixer import Members
    from napari_ssamamba.training.config import TrainingConfig

LABELS_A_CLASS = 125
"""With a tenth of them validating, 900 train, about as many as in the published training."""

SECONDS, MEGABYTES = 3840, 317
"""What the published implementation takes for 1580 × 3750 pixels: 0.646 ms each, and its memory."""

TRAINING_SECONDS = 60
"""Goal of the published training, which is 191 epochs here."""


def map_scenes(sizes: Sequence[str], interleave: Interleave, device: torch.device) -> list[Row]:
    """Train the preset standard by the published recipe on stand-ins, and map these whole.

    And by the default one, in few steps: that map is the expert's, too.

    Parameters
    ----------
    sizes : sequence of str
        ``ROWSxCOLUMNSxBANDS``.
    interleave : {"bsq", "bil", "bip"}
    device : torch.device
        An NVIDIA GPU.

    Returns
    -------
    list of Row

    Raises
    ------
    SettingError
        For a size that cannot be read.
    SSAMambaError
        Where there is too little room for a stand-in.
    """
    rows: list[Row] = []
    settings = {"epochs": "191", "patience": "191"}
    config = with_settings(protocol("paper", 0), settings)
    few = {"max_steps": "100", "min_steps": "100"}  # they tell what it holds
    default = with_settings(protocol("interactive", 0), few)
    for shape in (parse_size(text) for text in sizes):
        name = " × ".join(str(n) for n in shape) + f" {interleave}"
        check_room(name, shape)
        with tempfile.TemporaryDirectory(prefix="ssamamba-") as folder:
            scene = Path(folder) / "stand-in.img"
            plan = plan_stand_in(*shape)
            follow(write_stand_in(scene, plan, interleave))
            cube = open_cube(scene)
            drawn = draw_training_pixels(LabelMap(plan.ids, plan.classes), LABELS_A_CLASS, 0)
            labels = LabelMap(drawn, plan.classes)
            split = random_split(labels, LABELS_A_CLASS, 0.1, 0)
            both, of_default = _train(cube, split, plan.classes, default, device)
            checkpoint, of_published = _train(cube, split, plan.classes, config, device)
            record = checkpoint.record
            rows.append(
                Row(
                    f"{name}: training, {record.n_train} pixels, {record.epochs} epochs",
                    record.seconds,
                    "s",
                    {"goal": record.seconds / TRAINING_SECONDS},
                )
            )
            for recipe, peak in (("published", of_published), ("default", of_default)):
                ratio = {"goal": peak / MEGABYTES}
                rows.append(Row(f"{name}: training, {recipe}, GPU memory", peak, "MB", ratio))
            found, seconds, peak = _map(cube, checkpoint, "network", device)
            goal = SECONDS * found.pixels / (1580 * 3750)
            rows += [
                Row(f"{name}: map, from file to map", seconds, "s", {"published": seconds / goal}),
                Row(f"{name}: map", found.pixels / seconds, "pixels/s"),
                Row(f"{name}: map, GPU memory", peak, "MB", {"goal": peak / MEGABYTES}),
            ]
            found, seconds, peak = _map(cube, both, "mixed", device)
            rows += [
                Row(f"{name}: map with the expert", found.pixels / seconds, "pixels/s"),
                Row(f"{name}: map with the expert, GPU memory", peak, "MB"),
            ]
    return rows


def _train(
    cube: Cube, split: Split, classes: ClassTable, config: TrainingConfig, device: torch.device
) -> tuple[Checkpoint, float]:
    """Return a trained model, and the most MB that were held of the GPU's memory for it."""
    before = _forget_peak()
    checkpoint = follow(train(cube, split, classes, "standard", config, str(device)))
    return checkpoint, _peak_mb(before)


def _map(
    cube: Cube, checkpoint: Checkpoint, members: Members, device: torch.device
) -> tuple[ClassMap, float, float]:
    """Return a map of all of a scene, its seconds, and the most MB held of the GPU's memory."""
    first = Window(0, min(64, cube.rows), 0, min(64, cube.columns))
    for region in (first, None):  # kernels are compiled once, and kept by Triton
        before = _forget_peak()
        begun = time.perf_counter()
        found = follow(
            predict(
                cube, checkpoint, region=region, device=str(device),
                members=members, precision="bfloat16",
            )
        )  # fmt: skip
        seconds = time.perf_counter() - begun
    return found, seconds, _peak_mb(before)


def _forget_peak() -> int:
    """Return the bytes that are held of the GPU's memory, from which the peak counts anew."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_reserved()


def _peak_mb(before: int) -> float:
    """Return the most MB that were held since, kept reserves included."""
    return (torch.cuda.max_memory_reserved() - before) / 1e6
