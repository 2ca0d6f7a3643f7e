"""A large scene in a real window, measured: opened, scrolled, learned from, mapped and audited.

``python -m napari_ssamamba.plugin.scene_benchmark SCENE LABELS.npy SECONDS OUT.json``, a program of
its own that the command line starts. It writes a JSON object of figures by name.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.gui.freed_memory import give_back
from napari_ssamamba.plugin.audit_benchmark import measure_audit
from napari_ssamamba.plugin.resident_memory import (
    file_pages_mb,
    forget_files,
    forget_peak,
    peak_mb,
    resident_mb,
)
from napari_ssamamba.plugin.stall_gauge import StallGauge
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.plugin.waiting import run_for, run_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.events import Progress

PLUGIN = "napari-ssamamba"
SIZE = 1400, 860
SECONDS_TO_LOAD = 4.0
"""Of the libraries that the dock loads beside the window."""

SECONDS_TO_SETTLE = 1.0
BANDS_SCROLLED = 24
BANDS_FROM_DISK = 9
MOVES = 60
MOVED_BY = 8.0
"""Pixels of the screen: what a hand that drags the scene goes from one picture to the next."""

CLOSE_UP = 8.0
"""Times as near as the whole scene."""

STEPS, EPOCHS = 48, 16
"""Of the training, which is about memory, the window and previews, not about accuracy."""

LOOK_MS = 5
SMALL = 64
"""Side of the first picture, in pixels."""


def main() -> None:
    """Read the arguments, measure, and write the figures."""
    scene, labels, seconds, out = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    figures = measure_scene(scene, np.load(labels), float(seconds))
    Path(out).write_text(json.dumps(figures), encoding="utf-8")


def measure_scene(scene: Path, ids: np.ndarray[Any, Any], seconds: float) -> dict[str, float]:
    """Drive the plugin over a scene.

    Parameters
    ----------
    scene : Path
    ids : ndarray of uint16, shape (rows, columns)
        Training labels.
    seconds : float
        How long to map while the view moves, and then again, parts spread over the scene.

    Returns
    -------
    dict of str to float
        Times in s or ms, memory in MB (added to what the idle window with the dock held), each
        named with its unit; memory only on Linux. Pages of files are mostly those of libraries
        that a phase is the first to use.
    """
    import napari

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*SIZE)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN)
    docks = getattr(widget, "__wrapped__", widget)
    run_until(lambda: "napari_ssamamba.training.trainer" in sys.modules)
    run_for(SECONDS_TO_LOAD)
    first = _first_picture(viewer)
    bench = _Bench(viewer)
    bench.figures["napari's own first picture: longest stall, ms"] = first
    bench.open(scene)
    bench.scroll()
    bench.train(ids)
    bench.map(seconds)
    bench.cost(seconds)
    audit = measure_audit(viewer, docks.main, docks.plots)
    bench.figures |= {f"audit clicks: {act}": value for act, value in audit.items()}
    bench.scroll_from_disk()  # last: all else reads a file that the cache holds
    viewer.close()
    return bench.figures


class _Bench:
    """The parts of the measurement, in their order."""

    def __init__(self, viewer: Viewer) -> None:
        opened = session_of(viewer)
        self.viewer = viewer
        self.session, self.workflow = opened.session, opened.workflow
        self.layers = opened.bridge.layers
        self.figures: dict[str, float] = {}
        self.gauge = StallGauge()
        give_back(at_once=True)
        self.before, self.files_before = resident_mb(), file_pages_mb()
        self.drawn = 0
        self.composite_drawn = 0.0
        canvas = viewer.window._qt_viewer.canvas._scene_canvas
        canvas.events.draw.connect(self._count, position="last")

    def open(self, scene: Path) -> None:
        """Open the scene, until its composite is on the screen, then until all is done."""
        with _Phase(self, "opening"):
            begun = time.perf_counter()
            self.workflow.open([scene])
            run_until(lambda: self.composite_drawn > 0, look_every_ms=LOOK_MS)
            self.figures["first composite, s"] = self.composite_drawn - begun
            run_until(lambda: self.workflow.job("composite") is None)
            self.figures["composite of all rows, s"] = time.perf_counter() - begun
            for kind in ("overview", "unpack"):
                if self.workflow.job(kind) is not None:
                    run_until(partial(self._is_idle, kind))
                    self.figures[f"{kind}, s"] = time.perf_counter() - begun
            run_for(SECONDS_TO_SETTLE)

    def _is_idle(self, kind: str) -> bool:
        return self.workflow.job(kind) is None

    def scroll(self) -> None:
        """Step through bands of the whole scene."""
        composite, bands = self.layers["composite"], self.layers["bands"]
        composite.visible, bands.visible = False, True
        run_for(SECONDS_TO_SETTLE)
        times = []
        with _Phase(self, "scrolling"):
            cube = self.session.need_cube()
            for band in np.linspace(0, cube.bands - 1, BANDS_SCROLLED).astype(int)[1:]:
                times.append(self._show_band(band))
        self.figures["a band, median ms"] = statistics.median(times)
        self.figures["a band, longest ms"] = max(times)
        self.figures["moving over a band, median ms"] = self._move()
        composite.visible, bands.visible = True, False
        run_for(SECONDS_TO_SETTLE)
        self.figures["moving over the composite, median ms"] = self._move()

    def scroll_from_disk(self) -> None:
        """Step through bands of a file that the system's cache does not hold."""
        self.layers["composite"].visible, self.layers["bands"].visible = False, True
        run_for(SECONDS_TO_SETTLE)
        cube, times = self.session.need_cube(), []
        for band in np.linspace(0, cube.bands - 1, BANDS_FROM_DISK).astype(int)[1:]:
            if forget_files(cube.paths):
                times.append(self._show_band(band))
        if times:
            self.figures["a band from the disk, median ms"] = statistics.median(times)

    def _show_band(self, band: int) -> float:
        """Step to a band; return how long it takes to be seen, in ms."""
        begun = time.perf_counter()
        self._wait_for_drawing(partial(self.viewer.dims.set_current_step, 0, int(band)))
        return 1000 * (time.perf_counter() - begun)

    def _move(self) -> float:
        """Move the view from near, a little at a time; return how long that takes to be seen."""
        camera = self.viewer.scene.camera
        camera.zoom *= CLOSE_UP
        run_for(SECONDS_TO_SETTLE)
        times = []
        for _ in range(MOVES):
            begun = time.perf_counter()
            *_, row, column = camera.center
            moved = (0, row, column + MOVED_BY / camera.zoom)
            self._wait_for_drawing(partial(setattr, camera, "center", moved))
            times.append(1000 * (time.perf_counter() - begun))
        self.viewer.reset_view()
        run_for(SECONDS_TO_SETTLE)
        return statistics.median(times)

    def train(self, ids: np.ndarray[Any, Any]) -> None:
        """Train for a few steps."""
        from napari_ssamamba.data.classes import ClassTable
        from napari_ssamamba.data.labels import LabelMap
        from napari_ssamamba.session import TrainingSettings
        from napari_ssamamba.session.preview import Preview
        from napari_ssamamba.training.config import TrainingConfig

        classes = ClassTable.from_ids([int(i) for i in np.unique(ids) if i])
        self.session.set_labels(LabelMap(ids, classes))
        del ids
        run_for(SECONDS_TO_SETTLE)
        config = TrainingConfig(epochs=EPOCHS, min_steps=STEPS, max_steps=STEPS, follow_scene=False)
        self.session.set_training(TrainingSettings(device="cpu", config=config))
        self.workflow.training.then_map = False
        waited: list[float] = []

        def count(kind: str, event: Progress) -> None:
            if isinstance(event, Preview):
                waited.append(event.seconds)

        self.workflow.job_progressed.connect(count)
        with _Phase(self, "training"):
            begun = time.perf_counter()
            self.workflow.training.train()
            run_until(lambda: self.workflow.job("train") is None)
            spent = self.figures["training, s"] = time.perf_counter() - begun
        self.figures["previews"] = len(waited)
        self.figures["previews' share of the training, %"] = 100 * sum(waited) / spent
        if self.session.checkpoint is None:
            raise RuntimeError("the training failed; its reason is on the terminal")
        self.session.set_checkpoint(_with_both(self.session.checkpoint))

    def map(self, seconds: float) -> None:
        """Map while the view moves over the scene."""
        done: list[float] = [0.0]
        shown: list[float] = []

        def count(kind: str, event: Progress) -> None:
            if kind == "map":
                done[0] = event.done

        self.workflow.job_progressed.connect(count)
        self.session.events.map_tile.connect(lambda _: shown.append(time.perf_counter()))
        with _Phase(self, "mapping"):
            begun = time.perf_counter()
            self.workflow.mapping.map_scene()
            run_until(
                lambda: bool(shown) or self.workflow.job("map") is None, look_every_ms=LOOK_MS
            )
            run_until(lambda: self.layers["map"] is not None, look_every_ms=LOOK_MS)
            self._wait_for_drawing(lambda: None)
            self.figures["first view of the map, s"] = time.perf_counter() - begun
            pan = _panning(self.viewer, self.session.need_cube().shape)
            while self.workflow.job("map") is not None and time.perf_counter() - begun < seconds:
                run_for(0.03)
                pan()
            mapped = time.perf_counter() - begun
        self.workflow.mapping.cancel()
        self.figures["mapping while panning, pixels/s"] = done[0] / mapped
        self.viewer.reset_view()
        run_for(SECONDS_TO_SETTLE)

    def cost(self, seconds: float) -> None:
        """Map parts spread over the scene, in both orders."""
        from napari_ssamamba.prediction.scene_cost import SceneCost, measure_cost

        cube, checkpoint = self.session.need_cube(), self.session.checkpoint
        if checkpoint is None:
            return
        found: list[SceneCost] = []
        self.workflow.run(
            "cost",
            "Measuring the cost",
            lambda: measure_cost(cube, checkpoint, seconds),
            on_result=found.append,
        )
        run_until(lambda: self.workflow.job("cost") is None)
        if found:
            cost = found[0]
            self.figures["a pixel, µs"] = cost.microseconds
            self.figures["coarse to fine costs more, %"] = 100 * (
                cost.coarse_first / cost.microseconds - 1
            )
            self.figures["pixels measured"] = cost.pixels

    def _wait_for_drawing(self, change: Callable[[], Any]) -> None:
        before = self.drawn
        change()
        self.viewer.window._qt_viewer.canvas.native.update()
        run_until(lambda: self.drawn > before, look_every_ms=1)

    def _count(self, event: Any) -> None:
        """Count what was drawn, and remember when the composite was, first."""
        self.drawn += 1
        if not self.composite_drawn and self.layers["composite"] is not None:
            self.composite_drawn = time.perf_counter()


class _Phase:
    """Measures memory and the longest stall from its beginning to its end."""

    def __init__(self, bench: _Bench, name: str) -> None:
        self._bench, self._name = bench, name

    def __enter__(self) -> None:
        forget_peak()
        self._bench.gauge.start()

    def __exit__(self, *_: object) -> None:
        bench, name = self._bench, self._name
        bench.figures[f"{name}: longest stall, ms"] = bench.gauge.stop()
        now, peak, files = resident_mb(), peak_mb(), file_pages_mb()
        if bench.before is not None and now is not None and peak is not None:
            bench.figures[f"{name}: memory added at most, MB"] = peak - bench.before
            bench.figures[f"{name}: memory added after, MB"] = now - bench.before
        if bench.files_before is not None and files is not None:
            bench.figures[f"{name}: pages of files in it, MB"] = files - bench.files_before


def _first_picture(viewer: Viewer) -> float:
    """Show small layers of the kinds that a scene has, take them away, and return the stall in ms.

    Software rendering compiles its programs at the first picture, whatever that shows.
    """
    gauge = StallGauge()
    gauge.start()
    viewer.add_image(np.eye(SMALL, dtype=np.float32)[None].repeat(2, axis=0))
    viewer.add_image(np.zeros((SMALL, SMALL, 4), np.uint8), rgb=True)
    viewer.add_labels(np.ones((SMALL, SMALL), np.uint16))
    run_for(SECONDS_TO_SETTLE)
    viewer.layers.clear()
    run_for(SECONDS_TO_SETTLE)
    return gauge.stop()


def _with_both(checkpoint: Checkpoint) -> Checkpoint:
    """Let network and expert count alike: a member without weight is left out of maps."""
    record = checkpoint.record
    if record.mixture is None:
        return checkpoint
    mixture = replace(record.mixture, network_weight=0.5, expert_weight=0.5)
    return replace(checkpoint, record=replace(record, mixture=mixture))


def _panning(viewer: Viewer, shape: tuple[int, int, int]) -> Callable[[], None]:
    """Return what moves the view a little further over the scene, at twice the zoom."""
    camera = viewer.scene.camera
    camera.zoom *= 2
    rows, columns, _ = shape
    steps = itertools.count()

    def pan() -> None:
        turn = next(steps) / 60
        row = rows * (0.5 + 0.3 * math.sin(turn))
        column = columns * (0.5 + 0.3 * math.sin(0.7 * turn))
        camera.center = (0, row, column)

    return pan


if __name__ == "__main__":
    main()
