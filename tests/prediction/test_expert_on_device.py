"""The expert by torch says what the one in numpy does, tile by tile and in a map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from napari_ssamamba.data.scattered import read_scattered
from napari_ssamamba.data.tiles import Window, read_tile
from napari_ssamamba.events import Notice, result_of, retold
from napari_ssamamba.expert.spectral_expert import KINDS, SpectralExpert
from napari_ssamamba.prediction import mixer
from napari_ssamamba.prediction.expert_on_device import ExpertOnDevice
from napari_ssamamba.prediction.order import Focus, Seen
from napari_ssamamba.prediction.predictor import predict

if TYPE_CHECKING:
    from napari_ssamamba.checkpoint import Checkpoint

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NO_GPU])]


@pytest.fixture(params=[(2, 2.5), (2, 0.0), (1, 0.0), (1, 2.5)], ids=str)
def checkpoint(request: Any, tiny_checkpoint: Checkpoint) -> Checkpoint:
    """The expert with and without surroundings, and with and without support."""
    views, support = request.param
    found = tiny_checkpoint.expert
    assert found is not None and found.sees_surroundings and tiny_checkpoint.record.mixture
    expert = replace(
        found,
        views=found.views[:views],
        weights=found.weights[: len(KINDS) * views] + 0.1,
        shift=np.linspace(-0.5, 0.5, found.classes),
        support=support,
        usual=np.linspace(-0.3, -0.1, found.classes),
    )
    mixture = replace(tiny_checkpoint.record.mixture, network_weight=0.5, expert_weight=0.6)
    record = replace(tiny_checkpoint.record, mixture=mixture)
    return replace(tiny_checkpoint, expert=expert, record=record)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("scattered", [False, True])
def test_a_tile_by_torch_is_the_tile_by_numpy(
    tiny_job: Any, checkpoint: Checkpoint, scattered: bool, more: int, device: str
) -> None:
    expert, how = checkpoint.expert, (checkpoint.standardiser, checkpoint.band_indices)
    assert expert is not None
    if scattered:
        pixels = np.array([(0, 0), (3, 4), (16, 0), (23, 19)])
        tile: Any = read_scattered(tiny_job.cube, pixels, expert.margin + more, *how)
    else:
        tile = read_tile(tiny_job.cube, Window(0, 24, 0, 17), expert.margin + more, *how)
        tile = tile.only(np.random.default_rng(0).random((24, 17)) < 0.8)
    expected = result_of(expert.classify(tile))
    found = ExpertOnDevice(expert, torch.device(device)).begin(tile).get().numpy()
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)


def test_all_lies_on_the_device_and_nothing_waits_for_it(
    tiny_job: Any, checkpoint: Checkpoint
) -> None:
    """On the device meta, which has no values, both would be an error."""
    expert = checkpoint.expert
    assert expert is not None
    how = checkpoint.standardiser, checkpoint.band_indices
    tile = read_tile(tiny_job.cube, Window(0, 24, 0, 17), expert.margin, *how)
    found = ExpertOnDevice(expert, torch.device("meta")).begin(tile).get()
    assert found.device.type == "meta"
    assert found.shape == (tile.measured.sum(), expert.classes)


@pytest.mark.parametrize("members", ["mixed", "expert"])
@pytest.mark.parametrize("focus", [None, Focus(Seen(Window(0, 24, 0, 20)))])
def test_a_map_with_it_is_the_map_without(
    tiny_job: Any,
    checkpoint: Checkpoint,
    members: Any,
    focus: Focus | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def made() -> Any:
        return result_of(
            predict(
                tiny_job.cube, checkpoint, device="cpu", members=members, focus=focus, tile_size=8
            )
        )

    plain = made()
    monkeypatch.setattr(mixer, "EXPERT_DEVICES", ("cpu",))
    monkeypatch.setattr(SpectralExpert, "classify", None)
    found = made()
    np.testing.assert_array_equal(found.ids, plain.ids)
    for name in ("confidence", "margin", "entropy"):
        np.testing.assert_allclose(getattr(found, name), getattr(plain, name), atol=2e-5)


def test_where_its_memory_runs_out_numpy_is_asked(
    tiny_job: Any, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = result_of(predict(tiny_job.cube, checkpoint, device="cpu"))
    begin, calls = ExpertOnDevice.begin, iter(range(100))

    def full_from_the_third(self: ExpertOnDevice, tile: Any) -> Any:
        if next(calls) == 2:
            raise torch.OutOfMemoryError
        return begin(self, tile)

    monkeypatch.setattr(mixer, "EXPERT_DEVICES", ("cpu",))
    monkeypatch.setattr(ExpertOnDevice, "begin", full_from_the_third)
    work, told = predict(tiny_job.cube, checkpoint, device="cpu", tile_size=8), []
    found = result_of(retold(work, lambda event: told.append(event) or event))
    assert next(calls) == 3  # it is not tried again
    [notice] = [event for event in told if isinstance(event, Notice)]
    assert "the spectral expert goes on on the CPU" in notice.text
    np.testing.assert_array_equal(found.ids, plain.ids)
    np.testing.assert_allclose(found.confidence, plain.confidence, atol=2e-5)


def test_another_error_of_the_device_is_not_hidden(
    tiny_job: Any, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: ExpertOnDevice, tile: Any) -> Any:
        raise RuntimeError("the driver is broken")

    monkeypatch.setattr(mixer, "EXPERT_DEVICES", ("cpu",))
    monkeypatch.setattr(ExpertOnDevice, "begin", broken)
    with pytest.raises(RuntimeError, match="the driver is broken"):
        result_of(predict(tiny_job.cube, checkpoint, device="cpu"))
