"""The pictures of the window that the demo leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_ssamamba.events import result_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.window


def test_the_demo_leaves_pictures_of_the_window(tmp_path: Path) -> None:
    from matplotlib.image import imread

    from napari_ssamamba.cli.viewer import show_demo
    from napari_ssamamba.data.sample import sample_scene
    from napari_ssamamba.data.split import random_split
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.project.checkpoints import save_checkpoint
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.trainer import train

    cube, reference = sample_scene()
    model = ModelConfig(bands=1, classes=1, patch_size=3, d_model=8, d_state=2, heads=2, depth=1)
    config = TrainingConfig(epochs=1, min_steps=2, max_steps=2, mixture="network")
    split = random_split(reference, 5, 0.2, 0)
    work = train(cube, split, reference.classes, model, config)
    save_checkpoint(result_of(work), tmp_path / "model.safetensors")

    assert show_demo(tmp_path, stay=False) is None
    pictures = [imread(tmp_path / f"window-{n}.png") for n in ("labels", "mapping", "map")]
    assert all(min(picture.shape[:2]) > 600 for picture in pictures)
    labels, mapping, done = (picture[..., :3] for picture in pictures)
    assert np.mean(np.any(labels != mapping, axis=2)) > 0.01, "the map is not seen to grow"
    assert np.mean(np.any(mapping != done, axis=2)) > 0.01
    audit, tabs = (
        imread(tmp_path / f"{name}.png") for name in ("window-audit", "window-audit-tabs")
    )
    assert min(audit.shape[:2]) > 600
    height, width = (n // 2 for n in tabs.shape[:2])
    parts = [tabs[i : i + height, j : j + width] for i in (0, height) for j in (0, width)]
    assert all(np.ptp(part[height // 4 :]) > 0.5 for part in parts), "a tab is empty"
