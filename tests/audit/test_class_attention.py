"""A class's mean attention: the network's own weights, averaged pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_ssamamba.audit.attention_maps import AttentionReader, heat_map
from napari_ssamamba.audit.class_attention import class_attention, mean_attention
from napari_ssamamba.errors import BandsError
from napari_ssamamba.events import result_of

RIGHT = np.array([[r, c] for r in range(4, 8) for c in range(0, 20, 2)], np.int32)
WRONG = np.array([[23, 19], [16, 0], [5, 5]], np.int32)


def test_the_means_are_those_of_the_pixels_one_by_one(tiny_job: Any, tiny_checkpoint: Any) -> None:
    reader = AttentionReader(tiny_checkpoint)
    found = result_of(class_attention(reader, tiny_job.cube, 5, RIGHT, WRONG))
    for mean, pixels in ((found.right, RIGHT), (found.wrong, WRONG)):
        read = [reader.read(tiny_job.cube, *pixel) for pixel in pixels.tolist()]
        for block in (None, 0, 1):
            for head in (None, 0, 1):
                expected = np.mean([heat_map(p, (24, 20), block, head).grid for p in read], axis=0)
                np.testing.assert_allclose(mean.grid(block, head), expected, atol=1e-6)
        np.testing.assert_allclose(mean.weights.sum((-2, -1)), 1, atol=1e-5)
        assert mean.n == mean.of == len(pixels)
    assert found.id == 5


def test_of_many_pixels_so_many_are_drawn_as_is_said(
    tiny_job: Any, tiny_checkpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.audit.class_attention.MOST_AVERAGED", 10)
    reader = AttentionReader(tiny_checkpoint)
    told: list[Any] = []
    found = result_of(class_attention(reader, tiny_job.cube, 5, RIGHT, WRONG), told.append)
    assert (found.right.n, found.right.of) == (10, 40)
    assert (found.wrong.n, found.wrong.of) == (3, 3)
    averaged = [e.done for e in told if e.text.startswith("Averaging")]
    assert averaged == [0, 10] and {e.total for e in told} == {13}
    drawn = [result_of(mean_attention(reader, tiny_job.cube, RIGHT, seed)) for seed in (0, 1)]
    np.testing.assert_array_equal(found.right.weights, drawn[0].weights)
    assert (drawn[0].weights != drawn[1].weights).any()


def test_a_class_without_an_error_has_no_map_of_errors(tiny_job: Any, tiny_checkpoint: Any) -> None:
    reader = AttentionReader(tiny_checkpoint)
    none = np.empty((0, 2), np.int32)
    found = result_of(class_attention(reader, tiny_job.cube, 5, RIGHT, none))
    assert found.wrong is None and found.right is not None


def test_scenes_with_other_bands_are_refused(tiny_job: Any, tiny_checkpoint: Any) -> None:
    shifted = tiny_job.cube.with_wavelengths(tiny_job.cube.wavelengths + 50)
    with pytest.raises(BandsError):
        result_of(class_attention(AttentionReader(tiny_checkpoint), shifted, 5, RIGHT, WRONG))
