"""On an NVIDIA GPU, maps by kernels and recorded graphs are those of the plain network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_ssamamba.data.sample import sample_scene
from napari_ssamamba.data.split import random_split
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import result_of
from napari_ssamamba.expert.spectral_expert import SpectralExpert
from napari_ssamamba.prediction.order import Focus, Seen
from napari_ssamamba.prediction.predictor import predict
from napari_ssamamba.training.config import protocol, with_settings
from napari_ssamamba.training.trainer import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def test_a_map_by_the_kernels_is_that_of_the_equations() -> None:
    cube, reference = sample_scene(90, 210)  # tiles of one size follow each other
    steps = {"epochs": "4", "min_steps": "120", "max_steps": "120", "mixture": "network"}
    config = with_settings(protocol("interactive", 0), steps)
    split = random_split(reference, 20, 0.1, 0)
    checkpoint = result_of(train(cube, split, reference.classes, "compact", config, "cuda"))

    exact = result_of(predict(cube, checkpoint, device="cpu"))
    fast = result_of(predict(cube, checkpoint, device="cuda", precision="bfloat16"))
    few = result_of(  # of which a graph covers some
        predict(cube, checkpoint, device="cuda", precision="bfloat16", batch_size=256)
    )
    seen = Focus(Seen(Window(30, 70, 20, 60)))
    where = result_of(predict(cube, checkpoint, device="cuda", precision="bfloat16", focus=seen))

    assert (exact.ids == fast.ids).mean() > 0.995
    np.testing.assert_array_equal(fast.ids == 0, exact.ids == 0)
    assert np.nanmax(np.abs(fast.confidence - where.confidence)) < 1e-2
    assert (where.ids == fast.ids).mean() > 0.999
    assert np.nanmax(np.abs(fast.confidence - few.confidence)) < 1e-2
    assert (few.ids == fast.ids).mean() > 0.999


def test_a_map_with_the_expert_is_that_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    cube, reference = sample_scene(90, 210)
    config = with_settings(protocol("interactive", 0), {"min_steps": "40", "max_steps": "40"})
    split = random_split(reference, 20, 0.1, 0)
    checkpoint = result_of(train(cube, split, reference.classes, "compact", config, "cuda"))
    assert checkpoint.record.mixture is not None
    both = replace(checkpoint.record.mixture, network_weight=0.5, expert_weight=0.5)
    checkpoint = replace(checkpoint, record=replace(checkpoint.record, mixture=both))

    exact = result_of(predict(cube, checkpoint, device="cpu"))
    monkeypatch.setattr(SpectralExpert, "classify", None)
    fast = result_of(predict(cube, checkpoint, device="cuda", precision="bfloat16"))
    plain = result_of(predict(cube, checkpoint, device="cuda", precision="float32"))
    seen = Focus(Seen(Window(30, 70, 20, 60)))
    where = result_of(predict(cube, checkpoint, device="cuda", precision="bfloat16", focus=seen))

    assert (exact.ids == plain.ids).mean() > 0.999
    for found in (fast, where):
        assert (exact.ids == found.ids).mean() > 0.995
        assert np.nanmax(np.abs(found.confidence - exact.confidence)) < 5e-2
