"""Which bands decided, against plain recomputation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_ssamamba.audit.attribution import (
    TOLERANCE,
    Attribution,
    BandExplainer,
    scene_mean,
    strongest_run,
)
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.tiles import Window, read_tile
from napari_ssamamba.events import result_of
from napari_ssamamba.prediction.map_function import MapFunction
from napari_ssamamba.prediction.predictor import predict

PIXELS = np.array([[9, 9], [12, 3], [1, 1], [23, 19]], np.int32)  # (1, 1) was not measured
MEASURED = PIXELS[[0, 1, 3]]


@pytest.fixture(params=["mixed", "network"])
def explainer(request, tiny_checkpoint):
    mixture = replace(tiny_checkpoint.record.mixture, network_weight=0.6, expert_weight=0.6)
    record = replace(tiny_checkpoint.record, mixture=mixture)
    return BandExplainer(replace(tiny_checkpoint, record=record), request.param)


@pytest.fixture
def mean(tiny_job):
    return result_of(scene_mean(tiny_job.cube))


def map_of(cube, explainer):
    return result_of(predict(cube, explainer.checkpoint, device="cpu", members=explainer.members))


def test_the_scenes_mean_is_that_of_its_measured_pixels():
    rng = np.random.default_rng(0)
    raw = rng.normal(500, 50, (20, 25, 4)).astype(np.float32)
    raw[:5] = -1
    raw[..., 3] = -1  # a band without any value
    good = np.array([True, True, True, False])
    cube = Cube("scene", raw, good_bands=good, nodata=-1)  # smaller than a window
    found = result_of(scene_mean(cube))
    np.testing.assert_allclose(found[:3], raw[5:, :, :3].mean(axis=(0, 1)), rtol=1e-6)
    assert np.isnan(found[3])
    uneven = np.broadcast_to(np.arange(83.0)[:, None, None] ** 2, (83, 86, 4)).astype(np.float32)
    of_all = result_of(scene_mean(Cube("uneven", uneven)))
    np.testing.assert_allclose(of_all, uneven.mean(axis=(0, 1), dtype=float), rtol=1e-6)
    large = Cube("large", rng.normal(500, 50, (300, 300, 4)).astype(np.float32))
    np.testing.assert_allclose(result_of(scene_mean(large)), 500, atol=2)


def test_the_bands_add_up_to_the_difference_of_the_maps_probability(tiny_job, explainer, mean):
    cube, ids = tiny_job.cube, explainer.checkpoint.classes.ids
    made = map_of(cube, explainer)
    for pixel in MEASURED:
        found = result_of(explainer.attribute(cube, pixel[None], mean, None))
        assert found.target == made.ids[tuple(pixel)]
        assert found.probability == pytest.approx(made.confidence[tuple(pixel)], abs=2e-5)
        total = found.probability - found.baseline
        assert found.values.sum() + found.residual == pytest.approx(total)
        assert abs(found.residual) <= TOLERANCE
        assert abs(total) > 10 * TOLERANCE or found.values.std() < 1
    output = ids.index(found.target)
    flat = np.broadcast_to(mean[:, None, None], (cube.bands, 24, 20)).transpose(1, 2, 0)
    flat = np.where(np.asarray(cube.raw)[..., :1] == -1, -1, flat).astype(np.float32)
    level = replace(cube, raw=flat)
    function = MapFunction(explainer.checkpoint, explainer.members).eval()
    tile = read_tile(
        level,
        Window(23, 24, 19, 20),
        function.margin,
        explainer.checkpoint.standardiser,
        explainer.checkpoint.band_indices,
    )
    block = torch.from_numpy(tile.block.astype(np.float64))[None]
    said = function(block, block.ne(0).any(-1), torch.tensor([[23, 19]]))[0, output]
    assert found.baseline == pytest.approx(float(said), abs=1e-5)


def test_integrated_gradients_are_those_of_a_plain_sum(tiny_job, tiny_checkpoint, mean):
    explainer = BandExplainer(tiny_checkpoint, "expert")
    found = result_of(explainer.attribute(tiny_job.cube, PIXELS[:1], mean, None))
    function = MapFunction(tiny_checkpoint, "expert")
    tile = read_tile(
        tiny_job.cube,
        Window(9, 10, 9, 10),
        function.margin,
        tiny_checkpoint.standardiser,
        tiny_checkpoint.band_indices,
    )
    block = torch.from_numpy(tile.block.astype(np.float64))
    measured = block.ne(0).any(-1)
    level = torch.from_numpy(
        tiny_checkpoint.standardiser(mean[tiny_checkpoint.band_indices].astype(np.float32))
    ).double()
    start = torch.where(measured[..., None], level, 0.0)
    output = tiny_checkpoint.classes.ids.index(found.target)
    total = torch.zeros_like(block)
    steps, at_once = 1000, 50
    for shares in ((torch.arange(steps) + 0.5) / steps).double().split(at_once):
        at = (start + shares[:, None, None, None] * (block - start)).requires_grad_()
        pixels = torch.tensor([[9, 9]]).expand(at_once, -1)
        said = function(at, measured.expand(at_once, -1, -1), pixels)[:, output]
        total += torch.autograd.grad(said.sum(), at)[0].sum(0) / steps
    expected = (total * (block - start)).sum((0, 1)).numpy()
    np.testing.assert_allclose(found.values, expected, atol=2e-3)


def test_a_selections_bars_are_the_mean_of_its_pixels(tiny_job, explainer, mean):
    target = explainer.checkpoint.classes.ids[1]
    work = explainer.attribute(tiny_job.cube, PIXELS, mean, target)
    together = result_of(work)
    np.testing.assert_array_equal(together.pixels, MEASURED)
    alone = [result_of(explainer.attribute(tiny_job.cube, p[None], mean, target)) for p in MEASURED]
    np.testing.assert_allclose(together.values, np.mean([a.values for a in alone], axis=0))
    assert together.probability == pytest.approx(np.mean([a.probability for a in alone]))
    assert result_of(explainer.attribute(tiny_job.cube, PIXELS[2:3], mean, target)) is None


@pytest.mark.parametrize("bounds", [(540.0, 560.0), (450.0, 860.0), (1, 2)])
def test_masking_says_what_a_map_of_a_masked_scene_says(tiny_job, explainer, mean, bounds):
    """The bands of the whole scene are set to the mean, and the scene is mapped."""
    cube = tiny_job.cube
    low, high = bounds
    masked = np.flatnonzero(
        (cube.wavelengths >= low) & (cube.wavelengths <= high) & cube.good_bands
    )
    raw = np.asarray(cube.raw).astype(np.float32)
    missing = (raw == -1).all(axis=-1)
    raw[..., masked] = mean[masked]
    raw[missing] = -1
    before, after = map_of(cube, explainer), map_of(replace(cube, raw=raw), explainer)
    rows, columns = MEASURED.T
    target = int(before.ids[9, 9])
    found = result_of(explainer.mask(cube, PIXELS, mean, target, low, high))
    np.testing.assert_array_equal(found.bands, masked)
    assert found.n == 3
    assert found.changed == (before.ids != after.ids)[rows, columns].sum()
    one = result_of(explainer.mask(cube, PIXELS[:1], mean, target, low, high))
    assert one.before == pytest.approx(before.confidence[9, 9], abs=1e-5)
    if after.ids[9, 9] == target:
        assert one.after == pytest.approx(after.confidence[9, 9], abs=1e-5)
        assert one.changed == 0 and one.instead is None
    else:
        assert one.after < after.confidence[9, 9]
        assert one.changed == 1 and one.instead == after.ids[9, 9]


def _attribution(bands, values):
    return Attribution(
        np.array(bands), np.array(values, float), 1, 0.9, 0.1, 0.0, PIXELS[:1], "mixed"
    )


def test_the_strongest_run_is_narrow_and_does_not_reach_across_a_gap():
    wavelengths = np.array([400, 420, 440, 460, 480, 500, 520, 540.0])
    cube = Cube("scene", np.zeros((1, 1, 8)), wavelengths=wavelengths)
    bands = [0, 1, 2, 4, 5, 6, 7]  # 460 nm is not read
    found = strongest_run(_attribution(bands, [0.1, 0.3, 0.2, 0.25, 0.1, 0.1, 0.1]), cube)
    assert found == (400, 440)  # 0.6; across the gap there would be more
    found = strongest_run(_attribution(bands, [0.1, 0.3, -0.1, -0.4, -0.1, -0.2, 0.1]), cube)
    assert found == (480, 520)  # what speaks against the class counts as much


def test_without_wavelengths_the_run_is_of_band_numbers():
    cube = Cube("scene", np.zeros((1, 1, 8)))
    found = strongest_run(_attribution(range(8), [0, 0, 1, 1, 1, 1, 1, 1]), cube)
    assert found == (3, 7)
