"""A pixel's attention is the network's own, and each cell lies on its pixel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from napari_ssamamba.audit.attention_maps import (
    WEIGHT_TICKS,
    AttentionReader,
    PixelAttention,
    heat_map,
    on_weight_scale,
    scalar_limits,
)
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import BandsError, SettingError
from napari_ssamamba.events import result_of
from napari_ssamamba.model.network import load_network
from napari_ssamamba.prediction.class_map import ATTENTION_SCALARS
from napari_ssamamba.prediction.predictor import predict


def numbered(row: int, column: int, side: int = 7) -> PixelAttention:
    """Attention whose centre gives token j the weight j, and receives 100 + i from token i."""
    tokens = side * side
    matrix = np.zeros((tokens, tokens), np.float32)
    matrix[:, tokens // 2] = 100 + np.arange(tokens)
    matrix[tokens // 2] = np.arange(tokens)
    nothing = np.zeros((0, tokens, 4), np.float32)
    return PixelAttention(row, column, matrix[None, None], nothing, np.zeros(2, np.float32))


def test_the_weights_are_those_of_the_patch_cut_by_hand(
    tiny_job: Any, tiny_checkpoint: Any
) -> None:
    found = AttentionReader(tiny_checkpoint).read(tiny_job.cube, 12, 0)  # at the left border
    block = tiny_job.cube.read(slice(None), slice(None))
    values = np.pad(tiny_checkpoint.standardiser(block), ((1, 1), (1, 1), (0, 0)))
    patch = torch.from_numpy(values[12:15, 0:3].transpose(2, 0, 1).copy())[None]
    with torch.no_grad():
        network = load_network(tiny_checkpoint.model, tiny_checkpoint.weights)
        expected = network.inspect(patch)
    assert found is not None
    assert found.weights.shape == (2, 2, 9, 9) and found.gates.shape == (2, 9, 8)
    for b in range(2):
        np.testing.assert_allclose(found.weights[b], expected.attention[b][0], atol=1e-6)
        np.testing.assert_allclose(found.gates[b], expected.gates[b][0], atol=1e-6)
    np.testing.assert_allclose(found.logits, expected.logits[0], atol=1e-5)
    np.testing.assert_allclose(found.weights.sum(-1), 1, atol=1e-5)


def test_what_the_centre_gives_sums_to_one_in_each_block_and_head(
    tiny_job: Any, tiny_checkpoint: Any
) -> None:
    found = AttentionReader(tiny_checkpoint).read(tiny_job.cube, 23, 19)  # a corner of the scene
    assert found is not None
    for block in (None, 0, 1):
        for head in (None, 0, 1):
            heat = heat_map(found, (24, 20), block, head)
            assert heat.total == pytest.approx(1, abs=1e-5)
            assert heat.inside.shape == (2, 2)
            assert heat.beyond_border == pytest.approx(1 - heat.inside.sum(), abs=1e-5)
    mean = found.weights.mean((0, 1))
    np.testing.assert_allclose(found.matrix(), mean, atol=1e-7)
    np.testing.assert_array_equal(found.matrix(1, 0), found.weights[1, 0])


def test_the_reader_agrees_with_the_maps_of_the_scene(tiny_job: Any, tiny_checkpoint: Any) -> None:
    region = Window(9, 10, 7, 8)
    generator = predict(tiny_job.cube, tiny_checkpoint, region=region, device="cpu", attention=True)
    attention = result_of(generator).attention
    assert attention is not None
    scalars = dict(zip(ATTENTION_SCALARS, attention[:, 9, 7], strict=True))
    found = AttentionReader(tiny_checkpoint).read(tiny_job.cube, 9, 7)
    assert found is not None
    centre = found.weights[:, :, 4]
    assert scalars["self_weight"] == pytest.approx(centre[..., 4].mean(), abs=1e-5)
    entropy = -(centre * np.log(centre)).sum(-1) / np.log(9)
    assert scalars["entropy"] == pytest.approx(entropy.mean(), abs=1e-5)
    assert scalars["gate"] == pytest.approx(found.gate, abs=1e-5)


def test_each_cell_lies_on_its_pixel_in_the_middle_and_at_corners() -> None:
    heat = heat_map(numbered(10, 12), (30, 40))
    assert heat.window == Window(7, 14, 9, 16)
    for row in range(7, 14):
        for column in range(9, 16):
            weight = heat.inside[row - heat.window.row0, column - heat.window.column0]
            centre = row == 10 and column == 12
            assert weight == (24 if centre else 7 * (row - 7) + column - 9)
    corner = heat_map(numbered(0, 39), (30, 40))
    assert corner.window == Window(0, 4, 36, 40)
    np.testing.assert_array_equal(
        corner.inside, np.arange(49).reshape(7, 7)[3:, :4]
    )  # rows above and columns to the right of the scene are left out
    np.testing.assert_array_equal(
        heat_map(numbered(29, 0), (30, 40)).inside, np.arange(49).reshape(7, 7)[:4, 3:]
    )


def test_received_is_the_column_of_the_centre() -> None:
    heat = heat_map(numbered(10, 12), (30, 40), received=True)
    expected = 100 + np.arange(49)
    expected[24] = 24
    np.testing.assert_array_equal(heat.inside.ravel(), expected)


def test_scenes_smaller_than_a_patch_hold_what_they_can() -> None:
    heat = heat_map(numbered(1, 0), (2, 1))
    assert heat.window == Window(0, 2, 0, 1)
    np.testing.assert_array_equal(heat.inside.ravel(), [17, 24])


def test_pixels_without_measurement_have_none(tiny_job: Any, tiny_checkpoint: Any) -> None:
    assert AttentionReader(tiny_checkpoint).read(tiny_job.cube, 1, 1) is None


def test_the_network_is_loaded_once(tiny_job: Any, tiny_checkpoint: Any) -> None:
    reader = AttentionReader(tiny_checkpoint)
    reader.read(tiny_job.cube, 9, 9)
    loaded = reader.network
    reader.read(tiny_job.cube, 10, 9)
    assert reader.network is loaded


def test_what_cannot_be_is_refused(tiny_job: Any, tiny_checkpoint: Any) -> None:
    reader = AttentionReader(tiny_checkpoint)
    with pytest.raises(SettingError, match="region"):
        reader.read(tiny_job.cube, 24, 0)
    shifted = tiny_job.cube.with_wavelengths(tiny_job.cube.wavelengths + 50)
    with pytest.raises(BandsError):
        reader.read(shifted, 9, 9)
    without = replace(tiny_checkpoint, model=replace(tiny_checkpoint.model, attention="none"))
    with pytest.raises(SettingError, match="no attention"):
        AttentionReader(without)


def test_no_scalar_can_leave_its_scale() -> None:
    entropy, distance, self_weight, gate = scalar_limits(7)
    assert entropy == self_weight == gate == (0, 1)
    assert distance == (0, pytest.approx(np.hypot(3, 3)))


def test_all_weights_lie_on_one_scale_that_makes_little_of_little() -> None:
    assert on_weight_scale([0.0, 0.125, 1.0]).tolist() == [0, 0.5, 1]
    alike, a_little_more, three_times = on_weight_scale([1 / 49, 1.05 / 49, 3 / 49])
    assert a_little_more - alike < 0.006  # 256 colours tell one step apart
    assert three_times - alike > 0.1
    assert sorted(WEIGHT_TICKS) == list(WEIGHT_TICKS)
