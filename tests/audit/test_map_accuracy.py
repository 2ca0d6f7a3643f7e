"""How a map agrees with a reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from napari_ssamamba.audit.map_accuracy import map_accuracy
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.events import result_of


def test_what_was_trained_or_validated_on_does_not_count(
    tiny_job: Any, tiny_checkpoint: Any
) -> None:
    ids = tiny_job.reference.ids
    used = len(tiny_checkpoint.training_pixels) + len(tiny_checkpoint.validation_pixels)
    found = result_of(map_accuracy(ids, tiny_job.reference, tiny_checkpoint))
    assert found.n == np.count_nonzero(ids) - used
    assert found.oa == 100


def test_in_a_scene_of_another_size_all_count(tiny_job: Any, tiny_checkpoint: Any) -> None:
    part = replace(tiny_job.reference, ids=tiny_job.reference.ids[:9, :7])
    assert isinstance(part, LabelMap)
    found = result_of(map_accuracy(part.ids, part, tiny_checkpoint))
    assert found.n == np.count_nonzero(part.ids) > 0
