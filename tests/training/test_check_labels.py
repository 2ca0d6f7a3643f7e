"""Labels that cannot be trained on are refused before training starts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_ssamamba.errors import LabelsError
from napari_ssamamba.training.check import check_labels, unmeasured_text
from napari_ssamamba.training.config import TrainingConfig

CONFIG = TrainingConfig()


def ids(tiny_job: Any, **pixels: tuple[slice, slice]) -> np.ndarray[Any, np.dtype[np.uint16]]:
    labels = np.zeros((tiny_job.cube.rows, tiny_job.cube.columns), np.uint16)
    for name, place in pixels.items():
        labels[place] = int(name.removeprefix("id"))
    return labels


def test_good_labels_pass(tiny_job: Any) -> None:
    missing = check_labels(
        tiny_job.cube, tiny_job.reference.ids, tiny_job.reference.classes, CONFIG
    )
    assert missing.shape == (0, 2)


def test_labels_without_a_measurement_are_found(tiny_job: Any) -> None:
    labels = ids(tiny_job, id5=(slice(9, 12), slice(5, 9)), id2=(slice(1, 5), slice(2, 3)))
    missing = check_labels(tiny_job.cube, labels, tiny_job.reference.classes, CONFIG)
    assert missing.tolist() == [[1, 2], [2, 2]]
    assert (labels != 0).sum() == 16  # the caller's own array
    assert unmeasured_text(tiny_job.cube, missing) == (
        "2 labelled pixels do not count: they lie where tiny has no measurement, the first at "
        "row 1, column 2."
    )
    assert "One labelled pixel does not count: it" in unmeasured_text(tiny_job.cube, missing[:1])


def test_labels_of_another_shape(tiny_job: Any) -> None:
    with pytest.raises(LabelsError, match="24 rows and 20 columns"):
        check_labels(tiny_job.cube, np.ones((5, 5), np.uint16), tiny_job.reference.classes, CONFIG)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        ({}, "No class has labelled pixels"),
        ({"id5": (slice(9, 12), slice(5, 9))}, "Only 'Class 5' has"),
        (
            {"id5": (slice(9, 12), slice(5, 9)), "id2": (slice(5, 6), slice(9, 10))},
            "'Class 2' has 1; each class needs 2",
        ),
        (
            {"id5": (slice(9, 12), slice(5, 9)), "id77": (slice(5, 6), slice(9, 12))},
            "lacks: 77",
        ),
        (
            {"id5": (slice(9, 12), slice(5, 9)), "id2": (slice(1, 4), slice(2, 3))},
            "'Class 2' has 1; each class needs 2 or more. .* 2 labelled pixels do not count",
        ),
    ],
)
def test_unusable_labels(tiny_job: Any, pixels: Any, message: str) -> None:
    with pytest.raises(LabelsError, match=message):
        check_labels(tiny_job.cube, ids(tiny_job, **pixels), tiny_job.reference.classes, CONFIG)
