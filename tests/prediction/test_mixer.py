"""A map by both, or by one of them alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.errors import SettingError
from napari_ssamamba.events import result_of
from napari_ssamamba.prediction.predictor import predict


def mapped(cube: Any, checkpoint: Any, **options: Any) -> Any:
    return result_of(predict(cube, checkpoint, device="cpu", **options))


def weighed(checkpoint: Any, network: float, expert: float) -> Any:
    mixture = replace(checkpoint.record.mixture, network_weight=network, expert_weight=expert)
    return replace(checkpoint, record=replace(checkpoint.record, mixture=mixture))


def test_a_weight_of_one_is_that_one_alone(tiny_job: Any, tiny_checkpoint: Any) -> None:
    network = mapped(tiny_job.cube, tiny_checkpoint, members="network")
    expert = mapped(tiny_job.cube, tiny_checkpoint, members="expert")
    only_network = mapped(tiny_job.cube, weighed(tiny_checkpoint, 1, 0))
    only_expert = mapped(tiny_job.cube, weighed(tiny_checkpoint, 0, 1))
    np.testing.assert_array_equal(only_network.ids, network.ids)
    np.testing.assert_array_equal(only_expert.ids, expert.ids)
    np.testing.assert_allclose(only_expert.confidence, expert.confidence, atol=1e-6)
    assert not np.allclose(network.confidence, expert.confidence, atol=1e-3, equal_nan=True)


@pytest.mark.parametrize("members", ["mixed", "expert"])
def test_tiles_do_not_show_with_the_expert(
    tiny_job: Any, tiny_checkpoint: Any, members: str
) -> None:
    checkpoint = weighed(tiny_checkpoint, 0.5, 0.5)
    whole = mapped(tiny_job.cube, checkpoint, members=members)
    tiled = mapped(tiny_job.cube, checkpoint, members=members, tile_size=7, batch_size=5)
    np.testing.assert_array_equal(tiled.ids, whole.ids)
    np.testing.assert_allclose(tiled.confidence, whole.confidence, atol=1e-5)
    assert (whole.ids[:3, :3] == 0).all() and np.isnan(whole.confidence[:3, :3]).all()


def test_a_model_without_expert_is_its_network(tiny_job: Any, tiny_checkpoint: Any) -> None:
    record = replace(tiny_checkpoint.record, mixture=None)
    alone = replace(tiny_checkpoint, expert=None, record=record)
    network = mapped(tiny_job.cube, tiny_checkpoint, members="network")
    np.testing.assert_array_equal(mapped(tiny_job.cube, alone).ids, network.ids)
    with pytest.raises(SettingError, match="no spectral expert"):
        mapped(tiny_job.cube, alone, members="expert")


def test_what_cannot_be_is_refused(tiny_job: Any, tiny_checkpoint: Any) -> None:
    with pytest.raises(SettingError, match="choose one of mixed, network, expert"):
        mapped(tiny_job.cube, tiny_checkpoint, members="lda")
    with pytest.raises(SettingError, match="attention"):
        mapped(tiny_job.cube, tiny_checkpoint, members="expert", attention=True)


def test_a_network_without_weight_does_not_run(
    tiny_job: Any, tiny_checkpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = weighed(tiny_checkpoint, 0, 0.7)
    full = mapped(tiny_job.cube, without, attention=True)  # asks for the network's attention
    assert np.isfinite(full.attention[0, 5:]).all()

    def refuse(*_: object) -> None:
        raise AssertionError("the network was made")

    monkeypatch.setattr("napari_ssamamba.prediction.predictor.TileClassifier", refuse)
    lean = mapped(tiny_job.cube, without)
    np.testing.assert_array_equal(lean.ids, full.ids)
    np.testing.assert_array_equal(lean.confidence, full.confidence)
