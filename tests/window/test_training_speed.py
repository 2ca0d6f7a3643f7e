"""How long a training takes beside the window; `pytest -s` prints the figures."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.data.sample import sample_scene
from napari_ssamamba.data.split import hold_out_validation
from napari_ssamamba.events import result_of
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.window, pytest.mark.alone]

STEPS = 80
"""Of the training; half as many score the network afterwards."""

SLEEPS_A_STEP = 500
"""Threads that wait for each other awake sleep some tens of times a step, otherwise thousands."""


def test_a_training_s_threads_stay_awake_beside_the_window(window: Any) -> None:
    session, workflow = window.session, window.workflow
    cube, reference = sample_scene(60, 60)
    session.open_cube(cube)
    session.set_reference(reference)
    session.draw_from_reference(10, seed=0)
    window.until(lambda: session.composite_image is not None, 30)
    window.until(lambda: "training labels" in window.viewer.layers, 10)
    config = TrainingConfig(epochs=2, min_steps=STEPS, max_steps=STEPS, lessons=300)

    def alone() -> None:
        split = hold_out_validation(session.labels, config.validation_fraction, config.seed)
        work = train(cube, split, session.classes, "compact", config, "cpu")
        thread = threading.Thread(target=result_of, args=(work,))
        thread.start()
        thread.join()

    def beside_the_window() -> None:
        session.set_training(TrainingSettings(device="cpu", config=config, preview=False))
        workflow.training.then_map = False
        workflow.training.train()
        window.until(lambda: session.checkpoint is not None, 120)

    seconds, sleeps = measured(beside_the_window)
    least_seconds, least_sleeps = measured(alone)
    print(
        f"\n{STEPS} steps of training: {seconds:.1f} s beside the window, {least_seconds:.1f} s "
        f"while it stands still; threads slept {sleeps:.0f} and {least_sleeps:.0f} times a step"
    )
    assert sleeps < SLEEPS_A_STEP


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Return how many seconds it took, and how often threads slept for a step."""
    import resource  # not Windows', where no display is either

    def sleeps() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw

    started, before = time.perf_counter(), sleeps()
    work()
    return time.perf_counter() - started, (sleeps() - before) / STEPS
