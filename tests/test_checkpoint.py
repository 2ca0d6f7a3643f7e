"""A model reads the bands that it was trained on, or those that are near enough, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.errors import BandsError, OtherBandsError
from napari_ssamamba.events import result_of


def with_bands(cube: Cube, order: list[int], shift: float = 0.0) -> Cube:
    """The same pixels with bands in another order, or fewer, or more."""
    assert cube.wavelengths is not None
    raw = np.ascontiguousarray(np.asarray(cube.raw)[..., order])
    return Cube("other", raw, wavelengths=cube.wavelengths[order] + shift, nodata=cube.nodata)


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1, 0], [0, 1, 3, 4, 5], [0, 0, 1, 2, 3, 4, 5]])
def test_matched_bands_give_the_map_of_the_scene_trained_on(
    order: list[int], tiny_job: Any, tiny_checkpoint: Any
) -> None:
    from napari_ssamamba.prediction.predictor import predict

    other = with_bands(tiny_job.cube, order)
    with pytest.raises(OtherBandsError, match="match them by wavelength") as refused:
        tiny_checkpoint.check_bands(other)
    assert refused.value.can_match
    same = result_of(predict(tiny_job.cube, tiny_checkpoint))
    found = result_of(predict(other, tiny_checkpoint.matched(other)))
    np.testing.assert_array_equal(found.ids, same.ids)


def test_half_a_bands_width_is_near_enough_and_no_more(tiny_job: Any, tiny_checkpoint: Any) -> None:
    near = with_bands(tiny_job.cube, [0, 1, 2, 3, 4, 5], shift=49.0)
    assert tiny_checkpoint.matched(near).band_indices.tolist() == [0, 1, 3, 4, 5]
    narrow = replace(near, fwhm=np.full(6, 90.0))
    with pytest.raises(OtherBandsError) as refused:
        tiny_checkpoint.check_bands(narrow)
    assert not refused.value.can_match
    with pytest.raises(BandsError, match=r"first is at 450\.0 nm, the nearest at 499\.0 nm"):
        tiny_checkpoint.matched(narrow)
    with pytest.raises(BandsError, match="other has no wavelengths"):
        tiny_checkpoint.matched(near.with_wavelengths(None))


def test_a_matched_model_is_kept_with_its_bands(
    tiny_job: Any, tiny_checkpoint: Any, tmp_path: Any
) -> None:
    from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint

    longer = with_bands(tiny_job.cube, [0, 0, 0, 1, 2, 3, 4, 5])
    save_checkpoint(tiny_checkpoint.matched(longer), tmp_path / "m.safetensors")
    kept = load_checkpoint(tmp_path / "m.safetensors")
    kept.check_bands(longer)
    with pytest.raises(OtherBandsError, match="6 bands"):
        kept.check_bands(tiny_job.cube)
