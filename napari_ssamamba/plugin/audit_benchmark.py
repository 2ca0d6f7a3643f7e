"""How fast the window answers where the errors of a large map are looked through."""

from __future__ import annotations

import time
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.gui.audit_jobs import CELL, CONFUSION, SPECTRA
from napari_ssamamba.gui.curve_jobs import PAIR
from napari_ssamamba.gui.fixing_jobs import EVIDENCE
from napari_ssamamba.gui.mapping_jobs import ACCURACY
from napari_ssamamba.plugin.stall_gauge import StallGauge
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.plugin.waiting import run_for, run_until
from napari_ssamamba.session.values import ShownMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from numpy.typing import NDArray

    from napari_ssamamba.gui.dock import MainDock, PlotsDock

CLASSES = 22
FIELD = 20
"""Pixels that a field of one class is wide and high."""

REFERENCE_PIXELS = 400_000
LARGEST_CLASS = 0.08
"""Share of the fields of class 1, half of which are mapped as class 2."""

ERRORS = 0.11
"""Share of the other pixels that are mapped as another class."""

SECONDS_AFTER = 0.7
"""How long the window is watched after an answer: what jobs find is shown then."""

JOBS = CONFUSION, ACCURACY, CELL, SPECTRA, EVIDENCE, PAIR
"""What an act may start."""

SECONDS_SCROLLED = 4.0
WHEEL = QPoint(0, -360)
"""Three notches down at once, in eighths of a degree."""

CELLS = 5
REPEATED = 4


def measure_audit(viewer: Viewer, main: MainDock, plots: PlotsDock) -> dict[str, float]:
    """Look through the errors of a random map, with mouse and keys.

    Parameters
    ----------
    viewer : napari.Viewer
        With a scene open, and perhaps a model.
    main : MainDock
    plots : PlotsDock

    Returns
    -------
    dict of str to float
        Of each act, in ms, the longest time until its handlers were through, until all was
        drawn, and that for which the window was away in the moments after; the crops that were
        scrolled through, of how many, and the longest time for which the window was away.
    """
    bench = _AuditBench(viewer, main, plots)
    bench.show_map()
    plots.setCurrentWidget(plots.confusion)
    run_for(SECONDS_AFTER)
    bench.click_cells()
    bench.step_and_decide("", bench.canvas)
    plots.setCurrentWidget(plots.crops)
    run_for(SECONDS_AFTER)
    bench.choose_confusions()
    scrolled = bench.scroll_gallery()
    bench.step_and_decide(" beside the gallery", bench.canvas)
    plots.crops.view.setFocus()
    bench.step_and_decide(" in the gallery", plots.crops.view)
    return {
        f"{act}: {what}, ms": longest
        for act, times in bench.times.items()
        for what, longest in zip(
            ("handled", "drawn", "away after"), np.max(times, axis=0).tolist(), strict=True
        )
    } | scrolled


def random_fields(
    rows: int, columns: int, seed: int = 0
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return a reference of `REFERENCE_PIXELS` or fewer, and a map that is wrong in a seventh.

    Parameters
    ----------
    rows, columns : int
    seed : int

    Returns
    -------
    reference, mapped : ndarray of uint16, shape (rows, columns)
    """
    rng = np.random.default_rng(seed)
    shape = -(-rows // FIELD), -(-columns // FIELD)
    shares = np.full(CLASSES, (1 - LARGEST_CLASS) / (CLASSES - 1))
    shares[0] = LARGEST_CLASS
    fields = rng.choice(np.arange(1, CLASSES + 1, dtype=np.uint16), shape, p=shares)
    known = np.zeros(fields.size, bool)
    n = min(REFERENCE_PIXELS // FIELD**2, fields.size // 2)
    known[rng.choice(fields.size, n, replace=False)] = True

    def pixels(values: NDArray[Any]) -> NDArray[Any]:
        return values.repeat(FIELD, axis=0).repeat(FIELD, axis=1)[:rows, :columns].copy()

    ids = pixels(fields)
    mapped = ids.copy()
    wrong = rng.random(ids.shape) < ERRORS
    mapped[wrong] = rng.integers(1, CLASSES + 1, np.count_nonzero(wrong))
    mapped[(ids == 1) & (rng.random(ids.shape) < 0.5)] = 2
    return np.where(pixels(known.reshape(shape)), ids, 0).astype(np.uint16), mapped


class _AuditBench:
    """The acts of the measurement, in their order."""

    def __init__(self, viewer: Viewer, main: MainDock, plots: PlotsDock) -> None:
        opened = session_of(viewer)
        self.viewer, self.main, self.plots = viewer, main, plots
        self.session, self.workflow = opened.session, opened.workflow
        self.layers = opened.bridge.layers
        self.canvas = viewer.window._qt_viewer.canvas.native
        self.times: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        self._gauge = StallGauge()

    def show_map(self) -> None:
        """Show the random map in place of another, and compare it with its reference."""
        session = self.session
        cube = session.need_cube()
        shape = cube.rows, cube.columns
        reference, mapped = random_fields(*shape)
        classes = ClassTable.from_ids(list(range(1, CLASSES + 1)))
        session.set_reference(LabelMap(reference, classes))
        shown = ShownMap.unknown(shape, classes=classes, checkpoint=session.checkpoint)
        shown.ids[...] = mapped
        shown.confidence[...] = np.random.default_rng(1).random(shape, np.float32)
        session.map = shown
        session.mapping.finish()
        self.layers["composite"].visible = True
        self.workflow.audit.confuse()
        run_until(lambda: session.audit.confusion is not None)
        run_until(lambda: self.layers["audited pixels"] is not None)
        self.viewer.layers.selection.active = self.layers["training labels"]
        self._settle()

    def click_cells(self) -> None:
        """Click the largest cells of the matrix, and one without a pixel."""
        confusion = self.session.audit.confusion
        table, model = self.plots.confusion.table, self.plots.confusion.model
        click = partial(QTest.mouseClick, table.viewport(), Qt.MouseButton.LeftButton)
        for n, cell in enumerate([] if confusion is None else confusion.worst()[:CELLS]):
            index = model.index_of(cell)
            table.scrollTo(index)
            self._settle()
            at = table.visualRect(index).center()
            name = "first click on a cell" if n == 0 else "click on a cell"
            self._act(name, partial(click, pos=at))

    def choose_confusions(self) -> None:
        """Choose confusions in the section Audit by key, the gallery in view."""
        worst = self.main.audit.worst
        worst.setFocus()
        for key in (Qt.Key.Key_End, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Home):
            self._act("another confusion", partial(QTest.keyClick, worst, key))

    def scroll_gallery(self) -> dict[str, float]:
        """Turn the wheel over the crops of the largest confusion."""
        view = self.plots.crops.view
        middle = QPointF(view.viewport().rect().center())

        def turn() -> None:
            event = QWheelEvent(
                middle, QPointF(view.viewport().mapToGlobal(middle.toPoint())), QPoint(), WHEEL,
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(view.viewport(), event)

        away = self._gauge.longest_ms(SECONDS_SCROLLED, turn)
        seen = view.indexAt(view.viewport().rect().topLeft() + QPoint(20, 20)).row()
        view.scrollToTop()
        self._settle()
        return {
            "gallery: crops": float(view.model().rowCount()),
            "gallery: scrolled past": float(seen),
            "gallery: longest stall while scrolling, ms": away,
        }

    def step_and_decide(self, where: str, target: Any) -> None:
        """Step to errors, decide about each in every way, and take all back."""
        key, press = Qt.Key, partial(QTest.keyClick, target)
        for _ in range(REPEATED):
            self._act(f"N{where}", partial(press, key.Key_N))
        decisions = {"accept": key.Key_A, "mark wrong": key.Key_W, "skip": key.Key_S}
        for name, pressed in decisions.items():
            for _ in range(2):
                self._act(f"{name}{where}", partial(press, pressed))
        self._act(f"relabel{where}", partial(press, key.Key_R))
        if (menu := QApplication.activePopupWidget()) is not None:
            self._act(f"choose a class{where}", partial(QTest.keyClick, menu, key.Key_3))
        for decision in self.session.decisions.made[::-1]:
            name = f"undo of {decision.kind}{where}"
            if target is self.canvas:  # where napari has the key
                self._act(name, self._click_undo)
            else:
                control = Qt.KeyboardModifier.ControlModifier
                self._act(name, partial(press, key.Key_Z, control))

    def _click_undo(self) -> None:
        undo = self.main.audit.decisions.undo
        QTest.mouseClick(undo, Qt.MouseButton.LeftButton, pos=undo.rect().center())

    def _act(self, name: str, act: Callable[[], Any]) -> None:
        begun = time.perf_counter()
        act()
        handled = time.perf_counter()
        QApplication.processEvents()
        drawn = time.perf_counter()
        after = self._gauge.longest_ms(SECONDS_AFTER)
        self.times[name].append((1000 * (handled - begun), 1000 * (drawn - begun), after))
        self._settle()

    def _settle(self) -> None:
        """Wait until the jobs that the last act started are done."""
        run_until(lambda: not any(map(self.workflow.job, JOBS)))
        run_for(0.1)
