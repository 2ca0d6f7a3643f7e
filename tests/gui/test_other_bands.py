"""A model of another scene's bands is used only where the user agrees to match them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.dock import MainDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_ssamamba.gui.workflow import Workflow


@pytest.fixture
def dock(qtbot: Any, workflow: Workflow, tiny_job: Any, tiny_checkpoint: Any) -> MainDock:
    made = MainDock(workflow.session, workflow, Dialogs())
    qtbot.addWidget(made)
    cube = tiny_job.cube
    backwards = replace(
        cube,
        name="backwards",
        raw=np.ascontiguousarray(cube.raw[..., ::-1]),
        wavelengths=cube.wavelengths[::-1].copy(),
        good_bands=cube.good_bands[::-1].copy(),
    )
    workflow.session.open_cube(backwards)
    workflow.session.set_checkpoint(tiny_checkpoint)
    return made


def test_matching_maps_at_once(
    qtbot: Any, workflow: Workflow, dock: MainDock, answer: Callable[..., None]
) -> None:
    answer(lambda dialog: dialog.accept())
    workflow.mapping.map_scene()
    session = workflow.session
    assert session.checkpoint is not None
    assert session.checkpoint.band_indices.tolist() == [5, 4, 2, 1, 0]
    qtbot.waitUntil(lambda: workflow.job("map") is None)
    assert session.map is not None
    assert (session.map.ids != 0).mean() > 0.9


def test_refusing_tells_the_difference_and_maps_nothing(
    workflow: Workflow, dock: MainDock, answer: Callable[..., None]
) -> None:
    told: list[str] = []
    workflow.told.connect(lambda _, text: told.append(text))
    answer(lambda dialog: dialog.reject())
    workflow.mapping.map_scene()
    assert workflow.job("map") is None
    assert "950.0 nm instead of 450.0 nm" in told[-1]
