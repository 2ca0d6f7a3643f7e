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
    found = result_of(map_accuracy(ids, tiny_job.reference, tiny_checkpoint, tiny_job.cube))
    assert found.n == np.count_nonzero(ids) - used
    assert found.oa == 100


def test_in_another_scene_all_count(tiny_job: Any, tiny_checkpoint: Any) -> None:
    part = replace(tiny_job.reference, ids=tiny_job.reference.ids[:9, :7])
    assert isinstance(part, LabelMap)
    smaller = replace(tiny_job.cube, raw=tiny_job.cube.raw[:9, :7])
    found = result_of(map_accuracy(part.ids, part, tiny_checkpoint, smaller))
    assert found.n == np.count_nonzero(part.ids) > 0
    record = replace(tiny_checkpoint.record, fingerprint="of the tile trained on")
    trained = replace(tiny_checkpoint, record=record)
    tile = replace(tiny_job.cube, name="other tile", fingerprint="of another tile")
    whole = tiny_job.reference
    assert result_of(map_accuracy(whole.ids, whole, trained, tile)).n == np.count_nonzero(whole.ids)
    for same in (
        replace(tile, fingerprint=record.fingerprint),  # the file was renamed
        replace(tile, name=record.scene),  # or converted
        replace(tile, fingerprint=None),  # or is not known well enough
    ):
        n = result_of(map_accuracy(whole.ids, whole, trained, same)).n
        assert n == np.count_nonzero(whole.ids) - len(trained.seen_pixels(same)) < whole.ids.size
