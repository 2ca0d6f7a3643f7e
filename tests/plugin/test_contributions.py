"""What the manifest offers, used in a live viewer as napari uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from npe2 import PluginManager, PluginManifest
from scipy.io import savemat

import napari_ssamamba.plugin.samples as samples
from napari_ssamamba.data.downloads import SAMPLES
from napari_ssamamba.data.room import Room
from napari_ssamamba.errors import SettingError
from napari_ssamamba.plugin import scene_window
from napari_ssamamba.plugin.preferences import preferred_room, preferred_training
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.plugin.writer import write_image_layer
from napari_ssamamba.session import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import TinyJob

PLUGIN = "napari-ssamamba"


@pytest.fixture
def viewer(make_napari_viewer: Any) -> Iterator[Any]:
    """A viewer that knows this plugin alone."""
    viewer = make_napari_viewer()
    manager = PluginManager.instance()
    if PLUGIN not in manager:
        manager.register(PluginManifest.from_distribution(PLUGIN))
    yield viewer
    session_of(viewer).workflow.shut_down()


def shown(qtbot: Any, viewer: Any) -> Any:
    """Wait for the scene that is being opened, and return its session."""
    session = session_of(viewer).session
    qtbot.waitUntil(lambda: session.composite_image is not None)
    return session


def docks(viewer: Any) -> set[str]:
    return set(viewer.window.dock_widgets)


def test_a_file_that_is_dropped_opens_with_the_dock(
    viewer: Any, qtbot: Any, tmp_path: Path
) -> None:
    values = np.random.default_rng(0).random((20, 30, 6), np.float32)
    np.save(tmp_path / "field.npy", values)
    assert viewer.open(str(tmp_path / "field.npy"), plugin=PLUGIN) == []
    session = shown(qtbot, viewer)
    assert session.cube.name == "field"
    assert viewer.layers["bands"].data.shape == (6, 20, 30)
    assert any("SSA-Mamba" in name for name in docks(viewer))


def test_the_command_lines_window_opens_a_variable_in_the_dock(
    viewer: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, scene = tmp_path / "two.mat", np.random.default_rng(0).random((20, 30, 6))
    savemat(path, {"radiance": np.ones((20, 30, 4)), "reflectance": scene})
    seen: list[Any] = []

    def look() -> None:
        seen.append(np.asarray(shown(qtbot, viewer).cube.raw[:, :, :]))

    with monkeypatch.context() as patched:
        patched.setattr("napari.Viewer", lambda: viewer)
        patched.setattr("napari.run", look)
        patched.setattr(type(viewer), "close", lambda _: seen.append("closed"))
        scene_window.main(["--variable=reflectance", "--", str(path)])
    assert any("SSA-Mamba" in name for name in docks(viewer))
    np.testing.assert_array_equal(seen[0], scene)
    assert seen[1:] == ["closed"]


def test_a_file_that_cannot_be_opened_says_so_in_the_dock(
    viewer: Any, qtbot: Any, tmp_path: Path
) -> None:
    (tmp_path / "field.npy").write_bytes(b"\x93NUMPY and no more")
    viewer.open(str(tmp_path / "field.npy"), plugin=PLUGIN)
    opened = session_of(viewer)
    with qtbot.waitSignal(opened.workflow.told):
        pass
    assert opened.session.cube is None
    bar = viewer.window.add_plugin_dock_widget(PLUGIN)[1].main.messages
    assert "field.npy" in bar.text.text() and not bar.isHidden()


def test_the_built_in_sample_takes_the_place_of_its_stand_in(
    viewer: Any, qtbot: Any, tiny_job: TinyJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_ssamamba.data.sample.sample_scene", lambda: (tiny_job.cube, tiny_job.reference)
    )
    viewer.open_sample(PLUGIN, "sample")
    session = shown(qtbot, viewer)
    assert session.cube is tiny_job.cube and session.reference is tiny_job.reference
    names = [layer.name for layer in viewer.layers]
    assert names[:3] == ["bands", "composite", "reference"]
    assert names[-1] == "training labels"


def test_each_published_sample_is_offered_under_its_name() -> None:
    manifest = PluginManifest.from_distribution(PLUGIN)
    commands = {c.id: c for c in manifest.contributions.commands or []}
    asked: list[str | None] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "_open", lambda name: asked.append(name) or [])
        for sample in manifest.contributions.sample_data or []:
            python_name = str(commands[sample.command].python_name)  # type: ignore[union-attr]
            getattr(samples, python_name.partition(":")[2])()
    assert set(asked) == {None, *SAMPLES}
    assert len(asked) == len(set(asked))


def test_a_download_without_network_leaves_no_stand_in(
    viewer: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("napari_ssamamba.data.downloads.cache_folder", lambda: tmp_path)
    import pooch
    import requests

    def refuse(*_: object, **__: object) -> None:
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", refuse)
    viewer.open_sample(PLUGIN, "salinas-a")
    opened = session_of(viewer)
    qtbot.waitUntil(lambda: opened.workflow.job("open") is None)
    assert len(viewer.layers) == 0 and opened.session.cube is None


def test_the_widget_is_one_a_viewer_and_shows_its_session(viewer: Any) -> None:
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN)
    assert any("plots" in name for name in docks(viewer))
    before = len(docks(viewer))
    assert viewer.window.add_plugin_dock_widget(PLUGIN)[1] is widget
    assert len(docks(viewer)) == before
    session_of(viewer).session.add_class("Wheat")
    assert widget.main.classes.model.land_class(0).name == "Wheat"


def test_a_viewer_begins_with_what_is_set_in_the_preferences(
    viewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import napari.settings

    monkeypatch.setattr(napari.settings, "_PLUGIN_SETTINGS", {})
    settings: Any = napari.settings.get_plugin_settings(PLUGIN, path_dir=None)
    assert preferred_training() == TrainingSettings(preset="compact", device="auto")
    assert preferred_room() == Room()
    settings.training.preset, settings.training.device = "standard", "cpu"
    settings.maps.memory = 10
    session = session_of(viewer).session
    assert (session.training.preset, session.training.device) == ("standard", "cpu")
    assert session.mapping.room.share == 0.1
    with pytest.raises(ValueError, match=r"huge|enum|permitted|literal"):
        settings.training.preset = "huge"


def test_images_are_saved_on_the_scenes_grid(viewer: Any, qtbot: Any, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((20, 30, 6), np.float32)
    with rasterio.open(
        tmp_path / "field.tif",
        "w",
        driver="GTiff",
        width=30,
        height=20,
        count=6,
        dtype="float32",
        crs="EPSG:32633",
        transform=rasterio.Affine(30, 0, 5e5, 0, -30, 58e5),
    ) as file:
        file.write(values.transpose(2, 0, 1))
    viewer.open(str(tmp_path / "field.tif"), plugin=PLUGIN)
    session = shown(qtbot, viewer)
    sure = np.random.default_rng(1).random((20, 30), np.float32)
    [path] = viewer.add_image(sure, name="confidence").save(str(tmp_path / "sure.tif"))
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1), sure)
        assert file.crs == "EPSG:32633" and file.transform.to_gdal() == session.cube.transform
        assert file.descriptions == ("confidence",)
    [path] = viewer.layers["composite"].save(str(tmp_path / "rgb.tif"))
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(
            file.read(), session.composite_image[..., :3].transpose(2, 0, 1)
        )
    with pytest.raises(SettingError, match="3 axes"):
        write_image_layer(str(tmp_path / "bands.tif"), viewer.layers["bands"].data, {})
