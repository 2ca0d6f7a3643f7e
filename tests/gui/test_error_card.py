"""The spectrum and the attention of the error that is stepped to, beside its crop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.gui.attention_jobs import PIXEL
from napari_ssamamba.gui.attention_tab import AttentionTab
from napari_ssamamba.gui.error_attention import WIDEST
from napari_ssamamba.gui.pixel_card import PixelCard
from napari_ssamamba.session import AttentionChoice


@pytest.fixture
def card(qtbot: Any, audited: Any, workflow: Any) -> PixelCard:
    workflow.audit.compute_class_spectra()
    qtbot.waitUntil(lambda: bool(audited.class_spectra))
    made = PixelCard(audited)
    qtbot.addWidget(made)
    made.resize(320, 400)
    return made


def step(qtbot: Any, workflow: Any, by: int = 1) -> tuple[int, int]:
    workflow.session.audit.step(by)
    qtbot.waitUntil(lambda: workflow.job(PIXEL) is None)
    pixel = workflow.session.audit.looked_at
    assert pixel is not None
    return pixel


def lines(card: PixelCard) -> list[Any]:
    return [item.getData() for item in card.spectrum.plot.listDataItems()]


def colors(card: PixelCard, side: int) -> np.ndarray:
    """What the squares are filled with, shape (side, side, 4)."""
    image = card.attention.picture.pixmap().toImage()
    square = WIDEST // side
    at = [square // 2 + square * i for i in range(side)]
    return np.array([[image.pixelColor(x, y).getRgb() for x in at] for y in at])


def drawn_as(weights: np.ndarray) -> np.ndarray:
    return np.asarray(pg.colormap.get("magma").map(np.cbrt(weights), mode="byte"))


def test_the_spectrum_is_the_pixels_beside_the_means_of_both_classes(
    qtbot: Any, audited: Any, workflow: Any, card: PixelCard
) -> None:
    good = audited.cube.good_indices
    for _ in range(2):
        row, column = step(qtbot, workflow)
        true, mapped, own = lines(card)
        np.testing.assert_array_equal(own[0], audited.cube.wavelengths[good])
        np.testing.assert_allclose(own[1], audited.cube.raw[row, column, good], rtol=1e-6)
        for line, id in ((true, 5), (mapped, 9)):
            of_class = audited.cube.raw[audited.labels == id][:, good].astype(np.float64)
            np.testing.assert_allclose(line[1], of_class.mean(0))
    colored = [i.opts["pen"].color().name() for i in card.spectrum.plot.listDataItems()]
    assert colored[:2] == [audited.classes[5].color, audited.classes[9].color]
    joined = card.spectrum.plot.listDataItems()[2].opts["connect"]
    np.testing.assert_array_equal(joined, [1, 0, 1, 1, 0])  # the third band is off
    text = card.spectrum.text.text()
    assert "450–950 nm" in text and "Class 5" in text and "Class 9" in text
    assert "solid of Class 5, the reference" in card.spectrum.toolTip()


def test_the_spectrum_stays_while_another_pixel_is_visited_and_follows_view_and_labels(
    qtbot: Any, audited: Any, workflow: Any, card: PixelCard
) -> None:
    row, column = step(qtbot, workflow)
    audited.audit.visit((20, 10))
    audited.set_class_spectra({i: s for i, s in audited.class_spectra.items() if i != 9})
    *_, own = lines(card)
    good = audited.cube.good_indices
    np.testing.assert_allclose(own[1], audited.cube.raw[row, column, good], rtol=1e-6)
    assert "no mean of Class 9" in card.spectrum.text.text()
    audited.curves.set_view("continuum removed")
    (own,) = lines(card)  # the means are computed anew
    assert np.nanmax(own[1]) == 1 and "continuum removed" in card.spectrum.text.text()


def test_the_attention_is_the_chosen_one_in_the_colours_of_the_layer(
    qtbot: Any, audited: Any, workflow: Any, card: PixelCard
) -> None:
    seen = []
    for _ in range(2):
        pixel = step(qtbot, workflow)
        found = audited.attention.pixel
        assert (found.row, found.column) == pixel
        weights = found.weights.mean((0, 1))[4].reshape(3, 3)
        np.testing.assert_array_equal(colors(card, 3), drawn_as(weights))
        assert card.attention.text.text() == (
            "Attention given, 0 (dark) to 1 by the cube root: all blocks, all heads"
        )
        seen.append(weights)
    assert not np.array_equal(*seen)
    audited.attention.choose(AttentionChoice(block=1, head=0, received=True))
    received = found.weights[1, 0][:, 4].reshape(3, 3)
    np.testing.assert_array_equal(colors(card, 3), drawn_as(received))
    assert "received" in card.attention.text.text()
    assert card.attention.text.text().endswith("block 2, head 1")


def test_one_job_serves_card_and_tab_and_only_the_tab_draws_on_the_scene(
    qtbot: Any, audited: Any, workflow: Any, card: PixelCard
) -> None:
    tab = AttentionTab(audited, workflow)
    qtbot.addWidget(tab)
    started: list[str] = []
    workflow.job_started.connect(lambda kind, job: started.append(kind))
    step(qtbot, workflow)
    assert started.count(PIXEL) == 1 and not audited.attention.in_place
    tab.look(True)
    assert audited.attention.in_place
    step(qtbot, workflow)
    tab.look(False)
    assert started.count(PIXEL) == 2 and not audited.attention.in_place
    audited.pick(20, 10)
    assert started.count(PIXEL) == 2 and audited.attention.pixel is None
    assert "Another pixel was clicked" in card.attention.text.text()
    assert card.attention.picture.isHidden()


def test_what_is_missing_is_said_and_leaves_no_gap(
    qtbot: Any, audited: Any, workflow: Any, card: PixelCard
) -> None:
    assert card.isHidden()
    step(qtbot, workflow)
    model = replace(audited.checkpoint.model, attention="none")
    audited.set_checkpoint(replace(audited.checkpoint, model=model))
    assert "This model has no attention" in card.attention.text.text()
    assert card.attention.picture.isHidden() and not card.spectrum.isHidden()
    audited.audit.choose_cell(Cell(2, 5))
    assert card.isHidden()
