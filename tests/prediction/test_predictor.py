"""The map is that of one patch at a time, whatever the tiles and batches."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from napari_ssamamba.errors import BandsError, DeviceMemoryError, SettingError
from napari_ssamamba.events import Notice, Progress, result_of
from napari_ssamamba.model.inference.scene import SceneTile
from napari_ssamamba.model.network import load_network
from napari_ssamamba.prediction.class_map import ATTENTION_SCALARS, ClassMap, MapTile, Window
from napari_ssamamba.prediction.classifier import TileClassifier
from napari_ssamamba.prediction.order import Focus, Seen
from napari_ssamamba.prediction.predictor import map_tiles, predict

if TYPE_CHECKING:
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube


def run(cube: Cube, checkpoint: Checkpoint, **options: Any) -> tuple[list[Progress], ClassMap]:
    generator = predict(cube, checkpoint, device="cpu", **options)
    events: list[Progress] = []
    return events, result_of(generator, events.append)


@pytest.fixture(scope="module")
def wide_scene(tiny_job: Any) -> Cube:
    """The tiny scene, twice down and three times across; a corner was not measured."""
    values = np.tile(tiny_job.cube.raw[:, :], (2, 3, 1))
    values[24:27] = values[27:30]
    values[:3, 20:23] = values[:3, 40:43] = values[3:6, 40:43]
    values[24:, :3][:3] = values[30:33, :3]
    return replace(tiny_job.cube, raw=values)


def one_by_one(cube: Cube, checkpoint: Checkpoint) -> tuple[Any, Any]:
    """Cut each patch by hand and classify it alone; the slow, obvious way."""
    network = load_network(checkpoint.model, checkpoint.weights)
    side = checkpoint.model.patch_size
    half = side // 2
    block = cube.read(slice(None), slice(None))
    measured = ~np.isnan(block).all(axis=-1)
    values = np.pad(checkpoint.standardiser(block), ((half, half), (half, half), (0, 0)))
    ids = np.zeros((cube.rows, cube.columns), np.uint16)
    confidence = np.full(ids.shape, np.nan, np.float32)
    for r, c in np.argwhere(measured):
        patch = torch.from_numpy(values[r : r + side, c : c + side].transpose(2, 0, 1).copy())
        with torch.no_grad():
            probabilities = network(patch[None]).softmax(1)[0]
        ids[r, c] = checkpoint.classes.ids[int(probabilities.argmax())]
        confidence[r, c] = float(probabilities.max())
    return ids, confidence


def test_equals_one_patch_at_a_time(tiny_job: Any, tiny_checkpoint: Any) -> None:
    ids, confidence = one_by_one(tiny_job.cube, tiny_checkpoint)
    _, found = run(tiny_job.cube, tiny_checkpoint, members="network")
    np.testing.assert_array_equal(found.ids, ids)
    np.testing.assert_allclose(found.confidence, confidence, atol=1e-5)
    assert found.pixels == 24 * 20 - 9
    assert (found.ids[:3, :3] == 0).all() and np.isnan(found.confidence[:3, :3]).all()
    assert (found.ids == tiny_job.reference.ids)[tiny_job.reference.ids > 0].mean() > 0.95


@pytest.mark.parametrize(
    "options",
    [
        {"tile_size": 1, "region": Window(2, 12, 1, 9)},
        {"tile_size": 7, "batch_size": 5},
        {"tile_size": 1000, "batch_size": 1000},
        {"tile_size": 9, "focus": Focus(Seen(Window(15, 24, 0, 7)))},
        {"tile_size": 5, "focus": Focus(Seen(Window(0, 24, 0, 20)))},
    ],
    ids=("pixel by pixel", "small batches", "at once", "from a corner", "from the middle"),
)
def test_tiles_and_batches_do_not_show(tiny_job: Any, tiny_checkpoint: Any, options: Any) -> None:
    region = options.get("region")
    _, plain = run(tiny_job.cube, tiny_checkpoint, attention=True, region=region)
    _, other = run(tiny_job.cube, tiny_checkpoint, attention=True, **options)
    assert np.count_nonzero(plain.ids) >= 75
    np.testing.assert_array_equal(other.ids, plain.ids)
    np.testing.assert_allclose(other.confidence, plain.confidence, atol=1e-5)
    np.testing.assert_allclose(other.attention, plain.attention, atol=1e-5)


def probabilities_by_hand(cube: Cube, checkpoint: Checkpoint) -> Any:
    network = load_network(checkpoint.model, checkpoint.weights)
    block = cube.read(slice(None), slice(None))
    values = np.pad(checkpoint.standardiser(block), ((1, 1), (1, 1), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(values, (3, 3), axis=(0, 1))
    with torch.no_grad():
        logits = network(torch.from_numpy(patches.reshape(-1, *patches.shape[2:]).copy()))
    return logits.softmax(1).view(cube.rows, cube.columns, -1).double().numpy()


def test_margin_and_entropy_are_those_of_the_probabilities(
    tiny_job: Any, tiny_checkpoint: Any
) -> None:
    p = probabilities_by_hand(tiny_job.cube, tiny_checkpoint)[5:]
    _, found = run(tiny_job.cube, tiny_checkpoint, members="network")
    ordered = np.sort(p, axis=-1)
    np.testing.assert_allclose(found.margin[5:], ordered[..., -1] - ordered[..., -2], atol=1e-5)
    entropy = -(p * np.log(p)).sum(-1) / np.log(p.shape[-1])
    np.testing.assert_allclose(found.entropy[5:], entropy, atol=1e-5)
    assert np.isnan(found.margin[:3, :3]).all() and np.isnan(found.entropy[:3, :3]).all()


@pytest.mark.parametrize("seen", [Seen(Window(0, 48, 0, 60)), Seen(Window(0, 48, 0, 60), 4.0)])
def test_from_coarse_to_fine_each_pixel_is_computed_once(
    wide_scene: Any, tiny_checkpoint: Any, monkeypatch: pytest.MonkeyPatch, seen: Seen
) -> None:
    _, plain = run(wide_scene, tiny_checkpoint)
    monkeypatch.setattr("napari_ssamamba.prediction.order.FIRST_PIXELS", 20)
    computed = []
    logits = SceneTile.logits
    monkeypatch.setattr(
        SceneTile,
        "logits",
        lambda tile, *where: computed.append(len(where[0])) or logits(tile, *where),
    )
    events, found = run(wide_scene, tiny_checkpoint, focus=Focus(seen), tile_size=16)
    tiles = [e for e in events if isinstance(e, MapTile)]
    assert {t.stride for t in tiles} == {16, 4, 1}
    assert sum(computed) == found.pixels == wide_scene.rows * wide_scene.columns - 9
    assert sum(int(t.new.sum()) for t in tiles) == wide_scene.rows * wide_scene.columns
    assert [e.done for e in events] == sorted(e.done for e in events)
    np.testing.assert_array_equal(found.ids, plain.ids)
    for name in ("confidence", "margin", "entropy"):
        np.testing.assert_allclose(getattr(found, name), getattr(plain, name), atol=1e-5)


def test_only_what_is_missing_is_computed(wide_scene: Any, tiny_checkpoint: Any) -> None:
    _, whole = run(wide_scene, tiny_checkpoint)
    known = np.random.default_rng(1).random((wide_scene.rows, wide_scene.columns)) < 0.7
    work = map_tiles(wide_scene, tiny_checkpoint, device="cpu", done=known, tile_size=13)
    missing = ~known
    for event in work:
        if isinstance(event, MapTile):
            assert missing[event.lattice][event.new].all()
            np.testing.assert_array_equal(event.ids[event.new], whole.ids[event.lattice][event.new])
            missing[event.lattice] &= ~event.new
    assert not missing.any()
    assert event.fraction == 1


def test_a_turn_elsewhere_takes_effect_with_the_next_tile(
    wide_scene: Any, tiny_checkpoint: Any
) -> None:
    focus = Focus(Seen(Window(0, 16, 0, 16)))
    work = map_tiles(wide_scene, tiny_checkpoint, device="cpu", focus=focus, tile_size=8)
    tiles: list[MapTile] = []
    for event in work:
        if isinstance(event, MapTile):
            tiles.append(event)
            if len(tiles) == 2:
                focus.seen = Seen(Window(32, 48, 40, 60))
    assert tiles[2].window.row1 > 32 and tiles[2].window.column1 > 40
    assert sum(int(t.new.sum()) for t in tiles) == wide_scene.rows * wide_scene.columns


def test_the_reading_thread_ends_with_the_mapping(wide_scene: Any, tiny_checkpoint: Any) -> None:
    work = map_tiles(wide_scene, tiny_checkpoint, device="cpu", tile_size=8)
    next(work)
    assert any(t.name.startswith("reading") for t in threading.enumerate())
    work.close()
    assert not any(t.name.startswith("reading") for t in threading.enumerate())


def test_a_region_is_cut_from_the_whole_map(tiny_job: Any, tiny_checkpoint: Any) -> None:
    region = Window(2, 15, 1, 12)
    _, whole = run(tiny_job.cube, tiny_checkpoint)
    events, part = run(tiny_job.cube, tiny_checkpoint, region=region, tile_size=5)
    here = (region.rows, region.columns)
    np.testing.assert_array_equal(part.ids[here], whole.ids[here])
    np.testing.assert_allclose(part.confidence[here], whole.confidence[here], atol=1e-5)
    outside = np.ones(part.ids.shape, bool)
    outside[here] = False
    assert (part.ids[outside] == 0).all() and np.isnan(part.confidence[outside]).all()
    assert events[-1].done == events[-1].total == 13 * 11
    assert part.region == region


def test_tiles_are_the_map_in_pieces(tiny_job: Any, tiny_checkpoint: Any) -> None:
    events, whole = run(tiny_job.cube, tiny_checkpoint, tile_size=10, batch_size=30, attention=True)
    tiles = [e for e in events if isinstance(e, MapTile)]
    assert len(tiles) == 6
    for tile in tiles:
        here = (tile.window.rows, tile.window.columns)
        np.testing.assert_array_equal(tile.ids, whole.ids[here])
        np.testing.assert_array_equal(tile.confidence, whole.confidence[here])
        assert tile.attention is not None and whole.attention is not None
        np.testing.assert_array_equal(tile.attention, whole.attention[:, *here])
    done = [e.done for e in events]
    assert done == sorted(done)
    assert events[-1].fraction == 1
    assert events[-1].seconds_left == 0
    assert len(events) > 2 * len(tiles)  # it can be cancelled between batches


def test_attention_is_summed_up_as_defined(tiny_job: Any, tiny_checkpoint: Any) -> None:
    _, found = run(tiny_job.cube, tiny_checkpoint, attention=True)
    assert found.attention is not None
    scalars = dict(zip(ATTENTION_SCALARS, found.attention, strict=True))
    assert all(np.isnan(s[:3, :3]).all() for s in scalars.values())

    network = load_network(tiny_checkpoint.model, tiny_checkpoint.weights)
    block = tiny_job.cube.read(slice(9, 12), slice(9, 12))
    patch = torch.from_numpy(tiny_checkpoint.standardiser(block).transpose(2, 0, 1).copy())
    with torch.no_grad():
        inspection = network.inspect(patch[None])
    rows = torch.stack([a[0, :, 4] for a in inspection.attention]).numpy()  # blocks, heads, tokens
    away = np.hypot(*np.mgrid[-1:2, -1:2]).ravel()
    expected = {
        "entropy": -(rows * np.log(rows)).sum(-1).mean() / math.log(9),
        "distance": (rows @ away).mean(),
        "self_weight": rows[..., 4].mean(),
        "gate": np.mean([g[0, 4].mean().item() for g in inspection.gates]),
    }
    for name, value in expected.items():
        assert scalars[name][10, 10] == pytest.approx(value, abs=1e-5), name


def test_attention_of_a_network_without_any_is_refused(tiny_job: Any, tiny_checkpoint: Any) -> None:
    without = replace(tiny_checkpoint, model=replace(tiny_checkpoint.model, attention="none"))
    with pytest.raises(SettingError, match="no attention"):
        run(tiny_job.cube, without, attention=True)


def test_closing_cancels(tiny_job: Any, tiny_checkpoint: Any) -> None:
    generator = predict(tiny_job.cube, tiny_checkpoint, device="cpu", tile_size=8, batch_size=4)
    next(generator)
    generator.close()
    assert next(generator, None) is None
    assert not torch.is_inference_mode_enabled()


def test_a_gradient_can_be_taken_between_two_events(tiny_job: Any, tiny_checkpoint: Any) -> None:
    generator = predict(tiny_job.cube, tiny_checkpoint, device="cpu", tile_size=8)
    next(generator)
    weight = torch.ones(3, requires_grad=True)
    weight.sum().backward()
    generator.close()


def limit_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let the network run out of memory on larger batches."""
    logits = SceneTile.logits

    def limited(self: SceneTile, rows: torch.Tensor, *where: Any) -> torch.Tensor:
        if len(rows) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 7 GiB")
        return logits(self, rows, *where)

    monkeypatch.setattr(SceneTile, "logits", limited)


def test_too_large_batches_are_halved_and_said(
    tiny_job: Any, tiny_checkpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, plain = run(tiny_job.cube, tiny_checkpoint)
    limit_memory(monkeypatch, 16)
    events, found = run(tiny_job.cube, tiny_checkpoint, batch_size=64)
    assert [e.text for e in events if isinstance(e, Notice)] == [
        "cpu ran out of memory; going on with 32 patches at once",
        "cpu ran out of memory; going on with 16 patches at once",
    ]
    np.testing.assert_array_equal(found.ids, plain.ids)


def test_memory_for_not_even_one_patch_is_an_error(
    tiny_job: Any, tiny_checkpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_memory(monkeypatch, 0)
    with pytest.raises(DeviceMemoryError, match="single patch"):
        run(tiny_job.cube, tiny_checkpoint, batch_size=8)


def test_other_bands_are_refused(tiny_job: Any, tiny_checkpoint: Any) -> None:
    moved = tiny_job.cube.with_wavelengths(np.arange(6) * 100.0 + 460)
    with pytest.raises(BandsError, match=r"460\.0 nm instead of 450\.0 nm"):
        run(moved, tiny_checkpoint)


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"tile_size": 0}, {"region": (0, 99, 0, 5)}]
)
def test_impossible_settings_are_refused(tiny_job: Any, tiny_checkpoint: Any, options: Any) -> None:
    with pytest.raises(SettingError, match=next(iter(options))):
        run(tiny_job.cube, tiny_checkpoint, **options)


def test_a_scene_with_other_good_bands_is_read_with_those_trained_on(
    tiny_job: Any, tiny_checkpoint: Any
) -> None:
    _, plain = run(tiny_job.cube, tiny_checkpoint)
    _, found = run(tiny_job.cube.with_good_bands(np.ones(6, bool)), tiny_checkpoint)
    np.testing.assert_array_equal(found.ids, plain.ids)


def test_without_memory_for_looking_ahead_the_map_is_the_same(
    wide_scene: Cube, tiny_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expected = run(wide_scene, tiny_checkpoint)
    asked, empty = [], torch.empty

    def no_pinned(*shape: Any, pin_memory: bool = False, **options: Any) -> torch.Tensor:
        if pin_memory:
            asked.append(shape)
            raise RuntimeError("CUDA error: out of memory")
        return empty(*shape, **options)

    monkeypatch.setattr(TileClassifier, "looks_ahead", True)
    monkeypatch.setattr(torch, "empty", no_pinned)
    _, found = run(wide_scene, tiny_checkpoint)
    assert asked
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-5)
