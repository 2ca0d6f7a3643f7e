"""Pictures of the report against plain indexing, and the mean attention against a plain mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.audit.attention_maps import AttentionReader
from napari_ssamamba.data.composite import CompositeSettings, compose
from napari_ssamamba.events import result_of
from napari_ssamamba.report import mean_attention as attention_module
from napari_ssamamba.report import pictures
from napari_ssamamba.report.findings import AuditCase, find
from napari_ssamamba.report.mean_attention import mean_attention
from napari_ssamamba.report.plots import SCALES, attention_scale


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


def test_mean_attention_is_the_mean_of_the_centres_weights(
    tiny_job: Any, tiny_checkpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = AttentionReader(tiny_checkpoint)
    pixels = np.array([(5, 5), (12, 0), (20, 9)], np.int32)
    mean = result_of(mean_attention(reader, tiny_job.cube, pixels))
    by_hand = [reader.read(tiny_job.cube, r, c).weights[:, :, 4].mean((0, 1)) for r, c in pixels]
    np.testing.assert_allclose(mean.grid, np.mean(by_hand, axis=0).reshape(3, 3), rtol=1e-5)
    assert mean.grid.sum() == pytest.approx(1, abs=1e-5)
    assert (mean.n, mean.of) == (3, 3)
    monkeypatch.setattr(attention_module, "READ", 2)
    some = result_of(mean_attention(reader, tiny_job.cube, pixels))
    assert (some.n, some.of) == (2, 3)
    unmeasured = np.array([(0, 0)], np.int32)
    assert result_of(mean_attention(reader, tiny_job.cube, unmeasured)) is None


def test_one_scale_of_round_numbers_holds_all_heat_maps(case: AuditCase) -> None:
    means = [f.attention for f in result_of(find(case)).worst if f.attention is not None]
    assert means
    scale = attention_scale(means)
    assert scale in SCALES and all(mean.grid.max() <= scale for mean in means)
    sharper = replace(means[0], grid=np.full((3, 3), 0.4))
    assert attention_scale([*means, sharper]) >= 0.5


def test_confused_spectra_are_those_of_the_cell(case: AuditCase) -> None:
    findings = result_of(find(case))
    [first, *_] = findings.worst
    wrong = (case.truth.ids == 2) & (case.class_map.ids == 5)
    values = np.asarray(case.cube.raw)[wrong][:, [0, 1, 3, 4, 5]].astype(float)
    assert first.n == first.spectrum.n == int(wrong.sum())
    np.testing.assert_allclose(first.spectrum.mean[[0, 1, 3, 4, 5]], values.mean(axis=0))
    np.testing.assert_allclose(first.spectrum.deviation[[0, 1, 3, 4, 5]], values.std(axis=0))
    assert np.isnan(first.spectrum.mean[2]), "a bad band has no value"
    measured = (case.reference.ids == 5) & (np.asarray(case.cube.raw)[..., 0] != -1)
    assert findings.spectra[5].n == int(measured.sum())
