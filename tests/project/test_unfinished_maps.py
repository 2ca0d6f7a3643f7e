"""A map of a command that was cut short goes on, and only where it is the same map."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from napari_ssamamba.data.probability_store import ProbabilityStore, open_store
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import Notice, result_of
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.prediction.predictor import predict
from napari_ssamamba.project import unfinished_maps
from napari_ssamamba.project.checkpoints import save_checkpoint
from napari_ssamamba.project.unfinished_maps import UnfinishedMap

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.events import Progress
    from napari_ssamamba.prediction.class_map import ClassMap
    from napari_ssamamba.prediction.plan import MapSettings

SHAPE = 72, 80
"""Of nine tiles."""


@pytest.fixture
def cube(tiny_job: Any) -> Cube:
    raw = np.tile(tiny_job.cube.raw, (3, 4, 1))
    assert raw.shape[:2] == SHAPE
    return replace(tiny_job.cube, raw=raw, fingerprint="f")


@pytest.fixture
def model(tiny_checkpoint: Checkpoint, tmp_path: Path) -> Path:
    save_checkpoint(tiny_checkpoint, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(autouse=True)
def kept_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished_maps, "SECONDS_TO_KEEP", -1.0)


class Command:
    """A command that maps, until so many tiles have come or to its end."""

    def __init__(self, cube: Cube, checkpoint: Checkpoint, model: Path, root: Path) -> None:
        self.cube, self.checkpoint, self.model, self.root = cube, checkpoint, model, root
        self.events: list[Progress] = []

    def unfinished(self, store: Path | None = None, **settings: Any) -> UnfinishedMap:
        defaults: MapSettings = {"device": "cpu"}
        return UnfinishedMap(
            self.cube, self.checkpoint, self.model, self.root, defaults | settings, store
        )

    def cut_short(self, tiles: int, **settings: Any) -> None:
        with pytest.raises(KeyboardInterrupt), self.unfinished(**settings) as unfinished:
            came = 0
            with closing(unfinished.run()) as work:
                for event in work:
                    came += isinstance(event, MapTile)
                    if came == tiles:
                        raise KeyboardInterrupt

    def finish(self, **settings: Any) -> ClassMap:
        self.events.clear()
        with self.unfinished(**settings) as unfinished:
            return result_of(unfinished.run(), self.events.append)

    @property
    def told(self) -> str:
        return " ".join(event.text for event in self.events if isinstance(event, Notice))

    @property
    def kept(self) -> int:
        return len(list(self.root.rglob("map.json")))


@pytest.fixture
def command(cube: Cube, tiny_checkpoint: Checkpoint, model: Path, tmp_path: Path) -> Command:
    return Command(cube, tiny_checkpoint, model, tmp_path / "data")


def assert_same(found: ClassMap, wanted: ClassMap) -> None:
    np.testing.assert_array_equal(found.ids, wanted.ids)
    for name in ("confidence", "margin", "entropy"):
        a, b = getattr(found, name), getattr(wanted, name)
        np.testing.assert_allclose(a, b, atol=1e-5, err_msg=name)  # NaN equals NaN here


def test_it_goes_on_where_it_was_cut_short(command: Command) -> None:
    wanted = result_of(predict(command.cube, command.checkpoint, device="cpu"))
    command.cut_short(4)
    assert command.kept == 1
    command.cut_short(2)
    found = command.finish(batch_size=32)
    assert_same(found, wanted)
    assert (found.ids == 0).any() and (found.ids != 0).any()
    assert command.told == f"{32 * 80 + 32 * 80:,} pixels are kept from before; the rest follows."
    assert found.pixels == int((wanted.ids[64:] != 0).sum())
    assert not list(command.root.rglob("*.*"))


def test_what_came_since_the_last_writing_is_kept_too(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt), command.unfinished() as unfinished:
        came = 0
        for event in unfinished.run():
            came += isinstance(event, MapTile)
            monkeypatch.setattr(unfinished_maps, "SECONDS_TO_KEEP", 60.0 if came else -1.0)
            if came == 5:
                raise KeyboardInterrupt
    found = command.finish()
    assert command.told.startswith(f"{32 * 80 + 2 * 32 * 32:,} pixels")
    assert_same(found, result_of(predict(command.cube, command.checkpoint, device="cpu")))


def test_a_map_is_whole_before_it_goes(command: Command) -> None:
    wanted = result_of(predict(command.cube, command.checkpoint, device="cpu"))
    with pytest.raises(OSError, match="no room"), command.unfinished() as unfinished:
        result_of(unfinished.run())
        raise OSError("no room for the user's file")
    found = command.finish()
    assert found.pixels == 0 and command.told.startswith("5,760 pixels")
    assert_same(found, wanted)


def test_another_map_begins_anew(command: Command, tmp_path: Path) -> None:
    command.cut_short(3)
    for settings in ({"region": Window(0, 40, 0, 80)}, {"precision": "float32"}):
        command.finish(**settings)
        assert command.told == "" and command.kept == 1
    other = Command(command.cube, command.checkpoint, tmp_path / "other", command.root)
    record = replace(command.checkpoint.record, seed=7)
    save_checkpoint(replace(command.checkpoint, record=record), other.model)
    other.finish()
    bands = command.checkpoint.band_indices[::-1]
    matched = replace(command.checkpoint, band_indices=bands, wavelengths=None)
    Command(command.cube, matched, command.model, command.root).finish()
    scene = replace(command.cube, fingerprint="g")
    Command(scene, command.checkpoint, command.model, command.root).finish()
    assert other.told == "" and command.kept == 1
    command.finish()
    assert command.told.startswith("2,560 pixels") and command.kept == 0


def test_a_scene_that_was_written_anew_is_mapped_anew(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "scene"
    file.write_bytes(b"as before")
    command.cube = replace(command.cube, paths=(file,))
    command.cut_short(3)
    os.utime(file, ns=(1, 1))
    command.finish()
    assert command.told == ""


def test_a_region_goes_on_too(command: Command) -> None:
    region = Window(10, 60, 5, 70)
    wanted = result_of(predict(command.cube, command.checkpoint, region=region, device="cpu"))
    assert_same(command.finish(region=region), wanted)
    command.cut_short(2, region=region)
    found = command.finish(region=region)
    assert "2,048 pixels are kept" in command.told
    assert_same(found, wanted)
    assert (found.ids[:10] == 0).all() and np.isnan(found.confidence[:, :5]).all()


class Whole:
    """A map with its attention and probabilities, made at once, to compare others with."""

    def __init__(self, command: Command, folder: Path) -> None:
        self.command, self.path = command, folder / "cut short.h5"
        with open_store(folder / "p.h5", command.checkpoint.classes, command.cube) as store:
            work = predict(
                command.cube, command.checkpoint, device="cpu", attention=True, store=store
            )
            self.map = result_of(work)
        self.probabilities = self.stored(folder / "p.h5")

    def stored(self, path: Path) -> Any:
        with h5py.File(path) as file:
            return file["probabilities"][:]

    def cut_short(self, tiles: int, **settings: Any) -> None:
        self.command.cut_short(tiles, store=self.path, attention=True, **settings)
        assert not self.path.exists()

    def finish(self, **settings: Any) -> ClassMap:
        """Finish it, and compare it."""
        found = self.command.finish(store=self.path, attention=True, **settings)
        assert_same(found, self.map)
        assert found.attention is not None and self.map.attention is not None
        assert np.isnan(found.attention).any() and not np.isnan(found.attention).all()
        np.testing.assert_allclose(found.attention, self.map.attention, atol=1e-4)
        stored = self.stored(self.path)
        assert stored.dtype == np.float16
        np.testing.assert_allclose(stored, self.probabilities, atol=1e-3)
        return found


@pytest.fixture
def whole(command: Command, tmp_path: Path) -> Whole:
    return Whole(command, tmp_path)


def test_attention_and_probabilities_go_on_too(command: Command, whole: Whole) -> None:
    whole.cut_short(4)
    whole.cut_short(2)
    found = whole.finish()
    assert command.told == "5,120 pixels are kept from before; the rest follows."
    assert found.pixels == int((found.ids[64:] != 0).sum())
    assert not list(command.root.rglob("*.*"))


@pytest.mark.parametrize(("attention", "a_pixel"), [(False, 15), (True, 31)])
def test_a_map_and_its_attention_lie_on_disk_where_memory_is_short(
    command: Command, monkeypatch: pytest.MonkeyPatch, attention: bool, a_pixel: int
) -> None:
    asked: list[int] = []
    room = SimpleNamespace(arrays=lambda needed: (asked.append(needed), np.zeros)[1])
    monkeypatch.setattr(unfinished_maps, "Room", lambda: room)
    command.finish(attention=attention)
    assert asked == [a_pixel * 72 * 80]


def test_tiles_that_are_partly_known_keep_what_is_known(command: Command, whole: Whole) -> None:
    whole.cut_short(1, batch_size=32)
    whole.finish()
    assert command.told.startswith("256 pixels")


def test_of_what_lies_outside_of_a_region_they_say_nothing(
    command: Command, whole: Whole, tmp_path: Path
) -> None:
    wanted = {"region": Window(10, 60, 5, 70), "attention": True, "store": tmp_path / "p.h5"}
    command.cut_short(2, **wanted)
    found = command.finish(**wanted)
    assert "2,048 pixels are kept" in command.told and found.attention is not None
    stored = whole.stored(tmp_path / "p.h5")
    for values in (np.moveaxis(found.attention, 0, -1), stored):
        outside = np.ones(SHAPE, bool)
        outside[10:60, 5:70] = False
        assert np.isnan(values[outside]).all()
        assert (np.isnan(values[~outside]).any(-1) == (found.ids[~outside] == 0)).all()


def test_a_map_that_is_whole_keeps_them_until_it_is_written(command: Command, whole: Whole) -> None:
    with (
        pytest.raises(OSError, match="no room"),
        command.unfinished(store=whole.path, attention=True) as unfinished,
    ):
        result_of(unfinished.run())
        raise OSError("no room for the user's map")
    whole.path.unlink()
    assert whole.finish().pixels == 0


@pytest.mark.parametrize("wanted", [{"attention": True}, {"store": "p.h5"}, {}])
def test_what_was_not_asked_for_before_is_mapped_anew(
    command: Command, whole: Whole, tmp_path: Path, wanted: dict[str, Any]
) -> None:
    whole.cut_short(3)
    if "store" in wanted:
        wanted = {"store": tmp_path / "other.h5"}
    command.finish(**wanted)
    assert command.told == ""
    command.cut_short(3, **wanted)
    assert command.kept == 2
    whole.finish()
    assert command.told.startswith("2,560 pixels")


def test_what_an_interruption_kept_from_the_store_is_mapped_again(
    command: Command, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Window] = []
    write = ProbabilityStore.write

    def interrupted(store: ProbabilityStore, window: Window, values: Any) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(window)
        write(store, window, values)

    with monkeypatch.context() as patch:
        patch.setattr(ProbabilityStore, "write", interrupted)
        whole.cut_short(9)
    whole.finish()
    assert command.told.startswith("2,560 pixels")


def test_attention_and_probabilities_that_another_command_removed_are_kept_again(
    command: Command, whole: Whole, tmp_path: Path
) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        command.unfinished(store=whole.path, attention=True) as unfinished,
    ):
        came = 0
        for event in unfinished.run():
            came += isinstance(event, MapTile)
            if came == 6:
                command.finish(store=tmp_path / "other.h5", attention=True)
                assert command.kept == 0
            if came == 7:
                raise KeyboardInterrupt
    whole.finish()
    assert command.told.startswith("5,376 pixels")


@pytest.mark.parametrize("name", ["attention.npy", "probabilities.npy"])
def test_of_damaged_layers_nothing_is_taken(command: Command, whole: Whole, name: str) -> None:
    whole.cut_short(3)
    [path] = command.root.rglob(name)
    path.unlink()
    whole.finish()
    assert f"of no use: {path}" in command.told


@pytest.mark.parametrize("name", ["level.npy", "map.json"])
def test_what_is_damaged_is_told_and_made_anew(command: Command, name: str) -> None:
    wanted = result_of(predict(command.cube, command.checkpoint, device="cpu"))
    command.cut_short(3)
    [path] = command.root.rglob(name)
    path.write_bytes(b"\xff")
    assert_same(command.finish(), wanted)
    assert f"of no use: {path}" in command.told and "Map the scene again" not in command.told
    assert command.kept == 0


def test_a_full_disk_is_told_and_the_map_made(
    command: Command, disk_that_takes: Callable[[int], AbstractContextManager[None]]
) -> None:
    wanted = result_of(predict(command.cube, command.checkpoint, device="cpu"))
    with disk_that_takes(1000):
        found = command.finish()
    assert_same(found, wanted)
    assert "What is mapped cannot be kept" in command.told


def test_what_another_command_removed_is_kept_again(command: Command) -> None:
    with pytest.raises(KeyboardInterrupt), command.unfinished() as unfinished:
        came = 0
        for event in unfinished.run():
            came += isinstance(event, MapTile)
            if came == 6:
                command.finish()
                assert command.kept == 0
            if came == 7:
                raise KeyboardInterrupt
    found = command.finish()
    assert command.told.startswith("5,376 pixels")
    wanted = result_of(predict(command.cube, command.checkpoint, device="cpu"))
    assert_same(found, wanted)
    assert found.pixels == int((wanted.ids[64:, 32:] != 0).sum())


def test_nothing_is_written_for_a_map_of_seconds(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished_maps, "SECONDS_TO_KEEP", 60.0)
    command.cut_short(5)
    assert not command.root.exists()


def test_the_last_three_are_kept_of_all_scenes(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = [replace(command.cube, fingerprint=name) for name in "abcde"]
    assert unfinished_maps.UNFINISHED_MAPS == 3
    commands = [Command(c, command.checkpoint, command.model, command.root) for c in scenes]
    for each in commands:
        each.cut_short(3)
    assert command.kept == 3
    for each in commands[::-1]:
        each.finish()
    assert [bool(each.told) for each in commands] == [False, False, True, True, True]
