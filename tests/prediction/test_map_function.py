"""The map as a differentiable function, against the predictor and the expert in numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_ssamamba.data.tiles import Window, read_tile
from napari_ssamamba.events import Pace, result_of
from napari_ssamamba.expert.spectral_expert import KINDS
from napari_ssamamba.model.network import load_network
from napari_ssamamba.prediction.map_function import MapFunction
from napari_ssamamba.prediction.mixer import Mixer
from napari_ssamamba.prediction.predictor import predict

PIXELS = ((9, 9), (23, 19), (3, 4), (16, 0))
"""In the middle, in a corner, beside pixels without measurement, at an edge."""

AT = torch.tensor(PIXELS)


def blocks_of(cube, checkpoint, margin):
    tiles = [
        read_tile(
            cube,
            Window(r, r + 1, c, c + 1),
            margin,
            checkpoint.standardiser,
            checkpoint.band_indices,
        )
        for r, c in PIXELS
    ]
    blocks = torch.from_numpy(np.stack([t.block for t in tiles]).astype(np.float64))
    return tiles, blocks, blocks.ne(0).any(-1)


@pytest.fixture(params=[(0.7, 0.5, 2), (0.7, 0.5, 1), (0.0, 1.0, 2), (1.0, 0.0, 2)])
def checkpoint(request, tiny_checkpoint):
    """Network and expert at different weights, the expert with and without surroundings."""
    network, of_expert, views = request.param
    mixture = replace(
        tiny_checkpoint.record.mixture, network_weight=network, expert_weight=of_expert
    )
    found = tiny_checkpoint.expert
    assert found.sees_surroundings
    expert = replace(
        found,
        views=found.views[:views],
        weights=found.weights[: len(KINDS) * views],
        shift=np.linspace(-0.5, 0.5, found.classes),
    )
    record = replace(tiny_checkpoint.record, mixture=mixture)
    return replace(tiny_checkpoint, record=record, expert=expert)


@pytest.mark.parametrize("members", ["mixed", "network", "expert"])
def test_it_is_what_the_map_is_made_by(tiny_job, checkpoint, members):
    function = MapFunction(checkpoint, members).eval()
    _, blocks, measured = blocks_of(tiny_job.cube, checkpoint, function.margin)
    with torch.inference_mode():
        found = function(blocks, measured, AT).numpy()
    made = result_of(predict(tiny_job.cube, checkpoint, device="cpu", members=members))
    rows, columns = np.transpose(PIXELS)
    np.testing.assert_allclose(found.max(-1), made.confidence[rows, columns], atol=2e-5)
    ids = np.array(checkpoint.classes.ids)[found.argmax(-1)]
    np.testing.assert_array_equal(ids, made.ids[rows, columns])
    np.testing.assert_allclose(found.sum(-1), 1)


def test_its_expert_says_what_the_numpy_expert_says(tiny_job, checkpoint):
    mixer = Mixer(checkpoint, "expert")
    function = MapFunction(checkpoint, "expert")
    tiles, blocks, measured = blocks_of(tiny_job.cube, checkpoint, function.margin)
    for tile, said in zip(tiles, function(blocks, measured, AT).numpy(), strict=True):
        expected = result_of(mixer.mix(tile, mixer.unclassified(tile), Pace(1)))[0, 0]
        np.testing.assert_allclose(said, expected, atol=1e-6)


def test_its_network_says_what_the_network_says(tiny_job, tiny_checkpoint):
    network = load_network(tiny_checkpoint.model, tiny_checkpoint.weights)
    function = MapFunction(tiny_checkpoint, "network").eval()
    _, blocks, measured = blocks_of(tiny_job.cube, tiny_checkpoint, function.margin)
    with torch.inference_mode():
        expected = network(blocks.permute(0, 3, 1, 2).float()).softmax(-1)
        torch.testing.assert_close(function(blocks, measured, AT).float(), expected)


def test_its_gradient_is_the_slope_of_the_mixture(tiny_job, checkpoint):
    function = MapFunction(checkpoint, "mixed").eval()
    _, blocks, measured = blocks_of(tiny_job.cube, checkpoint, function.margin)
    blocks = blocks[:2].requires_grad_()
    measured = measured[:2]
    said = function(blocks, measured, AT[:2])[:, 1].sum()
    (gradient,) = torch.autograd.grad(said, blocks)
    direction = torch.randn(blocks.shape, generator=torch.Generator().manual_seed(0)).double()
    step = 1e-2
    with torch.no_grad():
        ahead = function(blocks + step * direction, measured, AT[:2])[:, 1].sum()
        behind = function(blocks - step * direction, measured, AT[:2])[:, 1].sum()
    slope = float(ahead - behind) / (2 * step)
    assert slope == pytest.approx(float((gradient * direction).sum()), rel=0.02, abs=2e-4)
