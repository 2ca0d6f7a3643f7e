"""A training that a crash cut short goes on in another window, and after it was cancelled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from spectral.io.envi import save_image

from napari_ssamamba.project import unfinished_trainings
from napari_ssamamba.project.kept_labels import kept_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.window


def test_restore_all_goes_on_where_the_crash_was(
    open_window: Callable[[], Any],
    job: Any,
    tmp_path: Path,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unfinished_trainings, "SECONDS_TO_KEEP", 0.0)
    path = tmp_path / "strips.hdr"
    save_image(str(path), job[0].raw, metadata={"wavelength": job[0].wavelengths.tolist()})

    def opened(*, steps: bool = False) -> Any:
        window = open_window()
        window.workflow.open([path])
        window.until(lambda: window.session.composite_image is not None, 30)
        window.until(lambda: len(window.viewer.layers.selection) > 0, 5)
        if steps:
            training = window.session.training
            config = replace(training.config, min_steps=40, max_steps=40, lessons=100)
            window.session.set_training(replace(training, config=config))
        window.workflow.training.then_map = False
        return window

    def epochs(window: Any) -> int:
        return len(window.session.history)

    crashed = opened(steps=True)
    n = crashed.paint_two_classes()
    crashed.until(
        lambda: [kept.pixels for kept in kept_labels(crashed.session.cube, user_data)] == [n], 15
    )
    panel = crashed.widget.main
    panel.scroll.ensureWidgetVisible(panel.train)
    crashed.click(panel.train.train)
    crashed.until(lambda: epochs(crashed) >= 8, 120)
    crashed.workflow.pause("train", True)

    window = opened()
    panel = window.widget.main
    panel.scroll.ensureWidgetVisible(panel.train)
    assert panel.train.kept.isVisible()
    window.picture("offered")
    told: list[str] = []
    window.workflow.told.connect(lambda _, text: told.append(text))
    window.click(panel.messages.restore)
    window.until(lambda: sum(window.session.label_counts().values()) == n, 10)
    window.until(lambda: epochs(window) >= 8, 60)
    panel.scroll.ensureWidgetVisible(panel.train)
    window.picture("goes-on")
    window.click(panel.train.progress.cancel)
    window.until(lambda: panel.train.kept.isVisible(), 5)
    window.picture("cancelled")
    window.click(panel.train.kept.restore)
    assert not panel.train.kept.isVisible() and panel.train.progress.isVisible()
    crashed.workflow.cancel("train")
    window.until(lambda: window.session.checkpoint is not None, 120)
    window.picture("trained")
    [*_, taken_up] = [text for text in told if "taken up" in text]
    assert int(taken_up.removeprefix("The training was taken up in epoch ").split(",")[0]) >= 8
    assert [epoch.epoch for epoch in window.session.history] == list(range(1, 21))
    window.viewer.theme = "light"
    window.viewer.window.resize(900, 600)
    panel.scroll.ensureWidgetVisible(panel.train)
    window.picture("trained-light-small")
