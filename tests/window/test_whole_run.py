"""The whole run on real scenes in a real window: train, audit, correct, retrain, see what changed.

Where screenshots are kept, pictures of every panel are kept too: without a scene, in both themes
and in a small window. With `WHOLE_RUN` set, the run is made on EnMAP's tiles as well.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.audit.truth import TRUTH_NAMES
from napari_ssamamba.gui.attention_jobs import CLASS, PIXEL
from napari_ssamamba.gui.attribution_jobs import ATTRIBUTION
from napari_ssamamba.gui.labelling_jobs import SUGGEST
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_ssamamba.audit.truth import TruthKind

pytestmark = pytest.mark.window

WHOLE_RUN = "SSAMAMBA_WHOLE_RUN"
"""Environment variable: makes the run on EnMAP's tiles too."""

SMALL = 1000, 700
STEPS = 12
"""Of the training: few, so that it is quick and the map has errors."""


@dataclass(frozen=True)
class Place:
    """A real scene, where it lies in the folder of real scenes."""

    scenes: str
    reference: str
    per_class: int


PLACES = {
    "salinas_a": Place("salinas_a/SalinasA_corrected.mat", "salinas_a/SalinasA_gt.mat", 3),
    "enmap": Place("enmap_potsdam/images/*.tif", "enmap_potsdam/labels/*.tif", 30),
}


class Run:
    """What a user does, with the times that the window took to answer."""

    def __init__(self, window: Any, name: str) -> None:
        self.window = window
        self.name = name
        self.session = window.session
        self.dock, self.plots = window.widget.main, window.widget.plots
        self.layers = session_of(window.viewer).bridge.layers
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Measure a click or a key until the window shows its answer."""
        started = time.perf_counter()
        yield
        QApplication.processEvents()
        self.seconds[what] = time.perf_counter() - started

    def picture(self, what: str) -> None:
        self.window.picture(f"{self.name}-{what}")

    def tick(self, box: Any) -> None:
        self.window.click(box, QPoint(8, box.height() // 2))

    def pictures_of_every_panel(self, what: str) -> None:
        """Scroll through the sections and look at each tab, where pictures are wanted."""
        if not self.window.keeps_pictures:
            return
        dock = self.dock
        parts = (
            (dock.scene, dock.scene),
            (dock.classes, dock.classes),
            (dock.train, dock.train),
            (dock.map, dock.map),
            (dock.audit.truth, dock.audit.pixel),
            (dock.audit.card, dock.audit.decisions),
            (dock.audit.changes, dock.audit.changes),
            (dock.suggestions, dock.suggestions),
            (dock.suspects, dock.suspects),
        )
        for n, (part, tab) in enumerate(zip_longest(parts, self.tabs())):
            if part is not None:
                dock.scroll.ensureWidgetVisible(part[1])
                dock.scroll.ensureWidgetVisible(part[0])
            if tab is not None:
                self.plots.setCurrentWidget(tab[0])
                tab[1]()
                self.settle()
            self.picture(f"{what}-{n + 1}")
        self.show_tab(self.plots.spectra)

    def tabs(self) -> list[tuple[Any, Callable[[], Any]]]:
        """Return each tab with what is chosen in it."""
        plots, spectra = self.plots, self.plots.spectra.controls
        nothing = [].copy
        return [
            (plots.spectra, nothing),
            (plots.spectra, lambda: spectra.view.setCurrentIndex(1)),
            (plots.spectra, lambda: (spectra.view.setCurrentIndex(0), spectra.decided.click())),
            (plots.curves, lambda: spectra.decided.click()),
            (plots.confusion, nothing),
            (plots.crops, nothing),
            (plots.attention, plots.attention.show_pixel.click),
            (plots.attention, plots.attention.show_class.click),
        ]

    def click_cell(self, cell: Cell) -> None:
        """Click a cell of the matrix."""
        table = self.plots.confusion.table
        index = self.plots.confusion.model.index_of(cell)
        table.scrollTo(index)
        at = table.visualRect(index).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)

    def choose_truth(self, kind: TruthKind) -> None:
        """Choose in the list that a click opens; the matrix, or why there is none, names it."""
        box, audit = self.dock.audit.truth, self.session.audit
        # Without a window manager the keyboard leaves a list some time after it closed, and Qt then
        # closes the one that is open.
        main = self.window.viewer.window._qt_window.windowHandle()
        self.window.until(lambda: QApplication.focusWindow() in (None, main), 5)
        self.dock.scroll.ensureWidgetVisible(box)
        self.window.click(box)
        items = box.view()
        self.window.until(items.isVisible, 5)
        self.window._qtbot.wait(QApplication.doubleClickInterval())  # Qt ignores a click at once
        at = items.visualRect(items.model().index(box.findData(kind), 0)).center()
        QTest.mouseClick(items.viewport(), Qt.MouseButton.LeftButton, pos=at)
        assert audit.truth == kind
        held_out = len(self.session.checkpoint.validation_pixels)
        if kind == "validation" and not held_out:
            assert "was held out" in self.plots.confusion.missing.text()
        else:
            self.window.until(lambda: audit.confusion is not None, 20)
            assert TRUTH_NAMES[kind] in self.plots.confusion.summary.text()

    def empty_cell(self) -> Cell:
        """Return a cell of the matrix without a pixel."""
        confusion = self.session.audit.confusion
        row, column = np.argwhere(confusion.matrix == 0)[0].tolist()
        return Cell(confusion.classes.ids[row], confusion.classes.ids[column])

    def relabel(self, id: int) -> None:
        """Relabel the pixel that is looked at, by key and by a digit in the menu."""
        choices = [c.id for c in self.session.decisions.choices()]
        with self.timed("R"):
            self.window.press(Qt.Key.Key_R)
            self.window.until(lambda: isinstance(QApplication.activePopupWidget(), QMenu), 5)
        self.picture("relabel")
        with self.timed("class"):
            QTest.keyClick(QApplication.activePopupWidget(), str(1 + choices.index(id)))
        self.window.until(lambda: len(self.session.decisions.made) == 1, 5)

    def settle(self) -> None:
        """Wait until nothing is computed any more."""
        kinds = (ATTRIBUTION, PIXEL, CLASS)
        workflow = self.window.workflow
        self.window.until(lambda: all(workflow.job(kind) is None for kind in kinds), 60)
        self.window._qtbot.wait(600)

    def show_tab(self, tab: Any) -> None:
        """Click a tab of the plots."""
        bar = self.plots.tabBar()
        self.window.click(bar, bar.tabRect(self.plots.indexOf(tab)).center())


def in_plot_order(cube: Any) -> np.ndarray:
    """Return the bands that are on, by wavelength: those of EnMAP's two detectors overlap."""
    every = np.arange(cube.bands)
    by_wavelength = every if cube.wavelengths is None else np.argsort(cube.wavelengths)
    return by_wavelength[cube.good_bands[by_wavelength]]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.timeout(900)
def test_from_a_scene_to_a_better_map(
    window: Any, qtbot: Any, shared_data: Path, name: str
) -> None:
    if name == "enmap" and WHOLE_RUN not in os.environ:
        pytest.skip(f"takes minutes: set {WHOLE_RUN}")
    run, place = Run(window, name), PLACES[name]
    session, dock, plots, workflow = window.session, run.dock, run.plots, window.workflow
    audit, panel = session.audit, dock.audit
    window.viewer.theme = "dark"
    run.pictures_of_every_panel("empty")

    # Open, import the reference, draw training labels, train: the map follows by itself.
    scenes, files = (sorted(shared_data.glob(p)) for p in (place.scenes, place.reference))
    dialogs = dock.classes._dialogs
    dialogs.scene_files, dialogs.labels_files = (lambda *_: scenes), (lambda *_: files)
    dock.scroll.ensureWidgetVisible(dock.scene)
    window.click(dock.scene.open)
    window.until(lambda: session.composite_image is not None, 30)
    qtbot.wait(500)
    window.click(dock.classes.reference)
    window.until(lambda: session.reference is not None, 20)
    dock.classes.per_class.setFocus()
    dock.classes.per_class.selectAll()
    window.type(str(place.per_class))
    window.click(dock.classes.draw)
    drawn = session.label_counts()
    assert set(drawn.values()) == {place.per_class}
    config = TrainingConfig(epochs=2, min_steps=STEPS, max_steps=STEPS, mixture="network")
    session.set_training(TrainingSettings(device="cpu", config=config, members="network"))
    run.pictures_of_every_panel("labelled")
    window.click(dock.train.train)
    window.until(lambda: audit.confusion is not None, 240)
    assert session.map.complete
    trained = session.checkpoint

    # What counts as truth is chosen by mouse.
    run.show_tab(plots.confusion)
    for kind in ("training", "validation", "reference"):
        with run.timed(f"truth {kind}"):
            run.choose_truth(kind)

    # The largest cell off the diagonal selects its pixels everywhere.
    qtbot.wait(300)
    largest = audit.confusion.worst()[0]
    with run.timed("cell"):
        run.click_cell(largest)
    n = audit.confusion.count(largest)
    window.until(lambda: run.layers["audited pixels"] is not None, 5)
    assert audit.cell == largest and len(audit.pixels) == n > 3
    assert (run.layers["audited pixels"].data > 0).sum() == n
    window.until(lambda: audit.spectrum is not None, 10)
    window.viewer.scene.camera.center = (0, 0, 0)
    dock.scroll.ensureWidgetVisible(panel.fly)
    with run.timed("fly to selection"):
        window.click(panel.fly)
    middle = (audit.pixels.min(axis=0) + audit.pixels.max(axis=0)) / 2
    assert window.viewer.scene.camera.center[-2:] == pytest.approx(tuple(middle))
    nothing = run.empty_cell()
    run.click_cell(nothing)
    assert audit.cell == nothing and not len(audit.pixels)
    assert "Choose a cell with a number" in panel.pixel.text() and not panel.fly.isEnabled()
    run.show_tab(plots.crops)
    assert "Choose a cell with a number" in plots.crops.missing.text()
    run.pictures_of_every_panel("no-error-dark")
    run.show_tab(plots.confusion)
    run.click_cell(largest)
    window.until(lambda: audit.spectrum is not None, 10)

    # Three errors by key, the third relabelled by a digit in the menu.
    window.viewer.layers.selection.active = window.viewer.layers["training labels"]
    for step in range(3):
        with run.timed(f"N {step + 1}"):
            window.press(Qt.Key.Key_N)
        assert audit.position == step
        window.until(lambda: session.evidence.pixel is not None, 20)
        window.until(lambda: session.evidence.pixel.pixel == audit.looked_at, 20)
        window.until(lambda: "Attention given" in panel.card.attention.text.text(), 20)
        drawn_y = panel.card.spectrum.plot.listDataItems()[-1].getData()[1]
        np.testing.assert_allclose(drawn_y, session.picked_spectrum[in_plot_order(session.cube)])
    assert window.viewer.scene.camera.center[-2:] == pytest.approx(audit.looked_at)
    run.pictures_of_every_panel("step-dark")
    pixel, before = audit.looked_at, session.labels.copy()
    run.relabel(largest.reference)
    assert session.labels[pixel] == largest.reference and audit.position == 3
    assert run.layers["training labels"].data[pixel] == largest.reference
    dock.scroll.ensureWidgetVisible(panel.decisions)
    with run.timed("undo"):
        window.click(panel.decisions.undo)
    np.testing.assert_array_equal(session.labels, before)
    assert audit.looked_at == pixel and session.decisions.made == []
    run.relabel(largest.reference)

    # The next is accepted by key in the gallery, twice; then one truth is wrong, one skipped.
    run.show_tab(plots.crops)
    crops = plots.crops.view
    window.viewer.window._qt_window.activateWindow()  # without a window manager, for its keys
    crops.setFocus()
    window.until(crops.hasFocus, 5)
    accepted = audit.looked_at
    with run.timed("A"):
        QTest.keyClick(crops, Qt.Key.Key_A)
    assert session.labels[accepted] == largest.reference
    QTest.keyClick(crops, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.labels[accepted] == 0 and audit.looked_at == accepted
    QTest.keyClick(crops, Qt.Key.Key_A)
    dock.scroll.ensureWidgetVisible(panel.decisions)
    with run.timed("wrong truth"):
        window.click(panel.decisions.buttons["marked wrong"])
    assert audit.confusion.count(largest) == n - 1 == plots.crops.model.rowCount()
    with run.timed("skip"):
        window.click(panel.decisions.buttons["skipped"])
    QTest.keyClick(crops, Qt.Key.Key_Right)
    assert audit.position == crops.currentIndex().row()
    kinds = [d.kind for d in session.decisions.made]
    assert kinds == ["relabelled", "accepted", "marked wrong", "skipped"]
    assert panel.decisions.model.rowCount() == 4

    # One suggestion accepted by key.
    dock.scroll.ensureWidgetVisible(dock.suggestions)
    window.click(dock.suggestions.find)
    window.until(lambda: workflow.job(SUGGEST) is None, 60)
    with run.timed("G"):
        window.press(Qt.Key.Key_G)
    suggested = session.suggestions.found[0]
    assert session.picked == (suggested.row, suggested.column)
    with run.timed("Y"):
        window.press(Qt.Key.Key_Y)
    assert session.labels[suggested.row, suggested.column] == suggested.mapped
    assert sum(session.label_counts().values()) == sum(drawn.values()) + 3
    window.viewer.theme = "light"
    run.pictures_of_every_panel("suggested-light")

    # Retrain and map, from the last model; then see what changed, against plain numpy.
    then, truth = session.map.ids.copy(), audit.compared_with.ids.copy()
    dock.scroll.ensureWidgetVisible(panel.changes)
    window.click(panel.changes.retrain)
    window.until(lambda: session.changes.found is not None, 240)
    window.until(lambda: audit.confusion is not None and not audit.outdated, 30)
    assert session.checkpoint is not trained
    now, found = session.map.ids, session.changes.found.found
    learned = [session.checkpoint.training_pixels, session.checkpoint.validation_pixels]
    decided = [d.pixel for d in session.decisions.made]
    truth[tuple(np.vstack([*learned, decided]).T)] = 0
    counted = truth > 0
    assert found.counted == counted.sum() and found.changed == (then != now).sum()
    assert found.fixed == (counted & (then != truth) & (now == truth)).sum()
    assert found.broken == (counted & (then == truth) & (now != truth)).sum()
    assert f"{found.fixed:,} fixed" in panel.changes.text.text()
    window.until(lambda: run.layers["changed pixels"] is not None, 5)
    assert (run.layers["changed pixels"].data > 0).sum() == found.changed
    window.viewer.layers["map"].visible = False
    window.viewer.reset_view()
    run.picture("changed-light")
    run.pictures_of_every_panel("changed-light")
    window.viewer.window.resize(*SMALL)
    audit.choose_cell(audit.confusion.worst()[0])
    audit.step(1)
    run.pictures_of_every_panel("small-light")
    window.viewer.theme = "dark"
    run.pictures_of_every_panel("small-dark")

    answers = ", ".join(f"{what} {1000 * s:.0f}" for what, s in run.seconds.items())
    print(f"\n{name}: {found.fixed} fixed, {found.broken} broken; answered after (ms): {answers}")
