"""What makes a scene quick to read comes one after the other, once its colour image is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio

from napari_ssamamba.data import overview, unpacked
from napari_ssamamba.data.georeferencing import without_georeference_warning
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.gui.scene_jobs import COMPOSITE, OVERVIEW, UNPACK
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import TinyJob

    from napari_ssamamba.data.cube import Cube


@pytest.fixture
def compressed(tmp_path: Path) -> Cube:
    values = np.random.default_rng(0).integers(1, 9999, (4, 60, 50)).astype(np.int16)
    profile = {"height": 60, "width": 50, "count": 4, "dtype": "int16", "interleave": "pixel"}
    with (
        without_georeference_warning(),
        rasterio.open(
            tmp_path / "s.tif", "w", driver="GTiff", compress="deflate", **profile
        ) as file,
    ):
        file.write(values)
    return open_cube(tmp_path / "s.tif")


@pytest.fixture
def opened(qtbot: Any, tmp_path: Path) -> Iterator[Workflow]:
    workflow = Workflow(Session())
    workflow.scene.overviews, workflow.scene.copies = tmp_path / "thin", tmp_path / "copies"
    yield workflow
    assert workflow.shut_down()


@pytest.mark.parametrize("costly", [False, True], ids=["bands are cheap", "bands are costly"])
def test_a_compressed_scene_is_unpacked_last(
    qtbot: Any,
    opened: Workflow,
    compressed: Cube,
    tmp_path: Path,
    costly: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unpacked, "COSTLY_BYTES", 0)
    if costly:
        monkeypatch.setattr(overview, "COSTLY_BYTES", 0)
    begun: list[str] = []

    def note(kind: str, job: Any) -> None:
        begun.append(kind)
        assert kind != UNPACK or opened.job(OVERVIEW) is None

    opened.job_started.connect(note)
    opened.session.open_cube(compressed)
    opened.scene.compose()
    raw: Any = compressed.raw
    qtbot.waitUntil(lambda: raw.copy is not None)
    assert begun == [COMPOSITE, *([OVERVIEW] if costly else []), UNPACK]
    assert raw.copy.path.parent == tmp_path / "copies"
    opened.scene.compose()
    qtbot.waitUntil(lambda: opened.job(COMPOSITE) is None)
    assert begun[-1] == COMPOSITE  # all else is there


def test_a_scene_that_is_read_quickly_is_left_as_it_is(
    qtbot: Any, opened: Workflow, tiny_job: TinyJob
) -> None:
    begun: list[str] = []
    opened.job_started.connect(lambda kind, job: begun.append(kind))
    opened.session.open_cube(tiny_job.cube)
    opened.scene.compose()
    qtbot.waitUntil(lambda: opened.job(COMPOSITE) is None)
    assert begun == [COMPOSITE]
