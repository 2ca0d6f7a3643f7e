"""Pictures and spectra of the report against plain indexing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.audit.attention_maps import WEIGHT_TICKS
from napari_ssamamba.data.composite import CompositeSettings, compose
from napari_ssamamba.events import result_of
from napari_ssamamba.report import pictures
from napari_ssamamba.report.findings import AuditCase, find
from napari_ssamamba.report.page import audit_report
from napari_ssamamba.report.plots import Plots


def colour(text: str) -> list[int]:
    return [*(int(text[i : i + 2], 16) for i in (1, 3, 5)), 255]


def test_a_crop_shows_the_composite_and_both_outlines(case: AuditCase) -> None:
    composite = compose(case.cube, CompositeSettings(preset="evenly spaced"))
    wheat, maize = case.reference.classes[2], case.reference.classes[5]
    zoom, reach = pictures.CROP_ZOOM, pictures.CROP_REACH
    picture = pictures.crop(case, composite, (3, 7), wheat, maize)
    assert picture.shape == ((2 * reach + 1) * zoom, (2 * reach + 1) * zoom, 4)

    def cell(row: int, column: int) -> Any:
        """The part of the crop that shows one pixel of the scene."""
        top, left = (row - 3 + reach) * zoom, (column - 7 + reach) * zoom
        return picture[top : top + zoom, left : left + zoom]

    middle = zoom // 2
    for row, column in ((5, 12), (12, 3), (2, 10)):  # away from both outlines
        assert cell(row, column)[middle, middle].tolist() == composite[row, column].tolist()
    assert not picture[: (reach - 3) * zoom].any(), "beyond the border it is transparent"
    # the reference's last row of class 2 is row 7: its outline is solid along the lower edge
    assert (cell(7, 10)[-3:, :] == colour(wheat.color)).all()
    assert not (cell(8, 10)[:3, :] == colour(wheat.color)).all()
    # the map's patch of class 5 ends with row 3: its outline is dashed
    line = cell(3, 10)[-7:-4]
    dashes = (line == colour(maize.color)).all(axis=-1)
    assert 0 < dashes.sum() < dashes.size
    assert (line[~dashes] == pictures.DARK).all()


def test_small_pictures_keep_every_error_and_true_colours(
    case: AuditCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = result_of(find(case))
    assert pictures.step_for((1200, 3)) == 1 and pictures.step_for((3, 1201)) == 2
    monkeypatch.setattr(pictures, "LONGEST_SIDE", 8)  # three pixels of the scene become one
    shown = pictures.error_picture(findings)
    truth, mapped = case.truth.ids, case.class_map.ids
    wrong = (truth > 0) & (mapped > 0) & (truth != mapped)
    right = (truth > 0) & (truth == mapped)
    assert shown.shape == (8, 7, 4)
    for i in range(8):
        for j in range(7):
            block = (slice(3 * i, 3 * i + 3), slice(3 * j, 3 * j + 3))
            if wrong[block].any():
                assert shown[i, j].tolist() == colour(pictures.WRONG)
            elif right[block].any():
                assert shown[i, j].tolist() == colour(pictures.RIGHT)
    small = pictures.class_picture(mapped, case.class_map.classes)
    assert small[0, 0, 3] == 0, "what was not mapped is transparent"
    assert small[4, 3].tolist() == colour(case.class_map.classes[int(mapped[12, 9])].color)


def test_weights_have_one_fixed_scale_with_the_even_share_marked(case: AuditCase) -> None:
    [mean, *_] = [f.attention for f in result_of(find(case)).worst if f.attention is not None]
    even = np.full_like(mean.weights, 1 / 9)
    pages = [Plots().attention([m, None]) for m in (mean, replace(mean, weights=even))]
    for page in pages:
        assert [f">{tick:g}<" in page for tick in WEIGHT_TICKS] == [True] * len(WEIGHT_TICKS)


def test_confused_spectra_are_those_of_the_cell(case: AuditCase) -> None:
    findings = result_of(find(case))
    [first, *_] = findings.worst
    wrong = (case.truth.ids == 2) & (case.class_map.ids == 5)
    values = np.asarray(case.cube.raw)[wrong][:, [0, 1, 3, 4, 5]].astype(float)
    assert first.n == first.spectrum.n == int(wrong.sum())
    np.testing.assert_allclose(first.spectrum.mean[[0, 1, 3, 4, 5]], values.mean(axis=0))
    np.testing.assert_allclose(first.spectrum.deviation[[0, 1, 3, 4, 5]], values.std(axis=0))
    assert np.isnan(first.spectrum.mean[2]), "a bad band has no value"


def test_class_spectra_are_those_of_the_labels_that_were_learned(case: AuditCase) -> None:
    findings = result_of(find(case))
    checkpoint = case.checkpoint
    learned = checkpoint.training_pixels[checkpoint.training_ids == 5]
    assert findings.spectra_learned and findings.spectra[5].n == len(learned) == 9
    values = np.asarray(case.cube.raw)[tuple(learned.T)].astype(float)
    np.testing.assert_allclose(findings.spectra[5].mean[:2], values.mean(axis=0)[:2])


@pytest.mark.parametrize("other", ["scene", "file of before"])
def test_where_it_is_not_known_what_was_learned_the_references_spectra_are_shown(
    case: AuditCase, elsewhere: AuditCase, other: str, read_page: Any
) -> None:
    if other == "scene":
        case = elsewhere
    else:
        case = replace(case, checkpoint=replace(case.checkpoint, training_ids=None))
    findings = result_of(find(case))
    measured = (case.reference.ids == 5) & (np.asarray(case.cube.raw)[..., 0] != -1)
    assert not findings.spectra_learned and findings.spectra[5].n == int(measured.sum())
    page = read_page(result_of(audit_report(case)).html)
    assert f"in the reference ({int(measured.sum()):,} read)" in " ".join(page.text.split())
