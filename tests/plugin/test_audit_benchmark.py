"""The random map that clicks are measured on."""

from __future__ import annotations

import numpy as np

from napari_ssamamba.plugin.audit_benchmark import CLASSES, REFERENCE_PIXELS, random_fields


def test_the_random_map_is_as_large_and_as_wrong_as_it_says() -> None:
    reference, mapped = random_fields(1580, 3750)
    assert reference.shape == mapped.shape == (1580, 3750)
    counts = reference > 0
    assert 0.97 * REFERENCE_PIXELS < counts.sum() <= REFERENCE_PIXELS
    assert set(np.unique(reference)) == set(range(CLASSES + 1))
    assert set(np.unique(mapped)) == set(range(1, CLASSES + 1))
    wrong = counts & (mapped != reference)
    assert 0.12 < wrong.sum() / counts.sum() < 0.16
    assert ((reference == 1) & (mapped == 2)).sum() > 0.2 * wrong.sum()
