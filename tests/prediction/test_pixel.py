"""One pixel's probabilities are the map's."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.errors import SettingError
from napari_ssamamba.events import result_of
from napari_ssamamba.prediction.pixel import PixelClassifier
from napari_ssamamba.prediction.predictor import predict


@pytest.mark.parametrize("members", ["mixed", "network", "expert"])
def test_a_pixel_has_the_class_and_the_confidence_that_the_map_shows(
    tiny_job, tiny_checkpoint, members
):
    if members == "expert" and tiny_checkpoint.expert is None:
        pytest.skip("this model has no expert")
    mapped = result_of(predict(tiny_job.cube, tiny_checkpoint, device="cpu", members=members))
    classifier = PixelClassifier(tiny_checkpoint, members)
    for row, column in ((0, 10), (12, 7), (23, 19)):
        found = result_of(classifier.probabilities(tiny_job.cube, row, column))
        assert found.sum() == pytest.approx(1, abs=1e-5)
        assert tiny_checkpoint.classes.ids[int(found.argmax())] == mapped.ids[row, column]
        assert found.max() == pytest.approx(mapped.confidence[row, column], abs=1e-5)


def test_a_pixel_without_a_measurement_has_none(tiny_job, tiny_checkpoint):
    classifier = PixelClassifier(tiny_checkpoint, "network")
    assert result_of(classifier.probabilities(tiny_job.cube, 0, 0)) is None
    with pytest.raises(SettingError):
        result_of(classifier.probabilities(tiny_job.cube, 24, 0))
    assert np.isfinite(tiny_job.cube.read_pixels([3], [3])).all()
