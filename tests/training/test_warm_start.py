"""A training that starts from the last model keeps what that model knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.split import Split, random_split
from napari_ssamamba.errors import BandsError, SettingError
from napari_ssamamba.events import result_of
from napari_ssamamba.model.network import build_network, load_network
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.events import EpochDone, StepDone
from napari_ssamamba.training.trainer import train
from napari_ssamamba.training.warm_start import check_start, continue_split, take_weights

SHORT = TrainingConfig(
    epochs=4, min_steps=24, max_steps=24, learning_rate=5e-3, restart_steps=0.25, restart_rate=0.5
)


def more_labels(job: Any, seed: int = 1) -> Split:
    """Two dozen labels a class: other ones than `tiny_checkpoint` has learned, for the most."""
    return random_split(job.reference, 24, 0.25, seed)


def warm(job: Any, start: Any, split: Split | None = None, **changes: Any) -> Any:
    split = more_labels(job) if split is None else split
    cube, classes = changes.pop("cube", job.cube), changes.pop("classes", job.reference.classes)
    return train(cube, split, classes, job.model, replace(SHORT, **changes), "cpu", start)


def places(pixels: np.ndarray[Any, Any]) -> set[tuple[int, int]]:
    return {(int(r), int(c)) for r, c in pixels}


def test_it_takes_a_quarter_of_the_steps_and_is_better_than_a_short_cold_training(
    tiny_job: Any, tiny_checkpoint: Any
) -> None:
    split = more_labels(tiny_job)
    events = list(warm(tiny_job, tiny_checkpoint, split))
    assert len([e for e in events if isinstance(e, StepDone)]) == 6
    [epoch] = [e for e in events if isinstance(e, EpochDone)]
    classes, short = tiny_job.reference.classes, SHORT.restarted()
    cold = train(tiny_job.cube, split, classes, tiny_job.model, short, "cpu")
    [cold_epoch] = [e for e in cold if isinstance(e, EpochDone)]
    assert epoch.loss < 0.5 * cold_epoch.loss
    assert epoch.validation_accuracy > cold_epoch.validation_accuracy


def test_the_scaling_that_the_weights_know_is_kept(tiny_job: Any, tiny_checkpoint: Any) -> None:
    checkpoint = result_of(warm(tiny_job, tiny_checkpoint))
    np.testing.assert_array_equal(
        checkpoint.standardiser.center, tiny_checkpoint.standardiser.center
    )
    assert checkpoint.record.standardisation == tiny_checkpoint.record.standardisation
    assert checkpoint.record.protocol == "interactive, from a model of 27 pixels"


def test_outputs_follow_their_classes(tiny_job: Any, tiny_checkpoint: Any) -> None:
    before = load_network(tiny_checkpoint.model, tiny_checkpoint.weights)
    outputs = ClassTable().add("c", id=9).add("new", id=3).add("a", id=2)  # 5 is gone
    network = build_network(tiny_checkpoint.model, torch.Generator().manual_seed(0))
    new = network.head.weight[1].clone()
    take_weights(network, tiny_checkpoint, outputs)
    patches = torch.randn(4, 5, 3, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, expected = network.eval()(patches), before(patches)
    torch.testing.assert_close(found[:, [0, 2]], expected[:, [2, 0]])
    assert torch.equal(network.head.weight[1], new)


def test_classes_may_be_added_and_removed(tiny_job: Any, tiny_checkpoint: Any) -> None:
    split = more_labels(tiny_job)
    ids = split.ids.copy()
    ids[:, 10:][ids[:, 10:] == 9] = 11  # half of the third strip is another class
    ids[ids == 2] = 0
    train_mask, validation = split.train & (ids > 0), split.validation & (ids > 0)
    split = Split(ids, train_mask, validation, np.zeros_like(validation), "painted")
    checkpoint = result_of(warm(tiny_job, tiny_checkpoint, split))
    assert checkpoint.classes.ids == (5, 9, 11)
    assert checkpoint.model.classes == 3


def test_no_pixel_validates_that_was_learned(tiny_job: Any, tiny_checkpoint: Any) -> None:
    ids = tiny_job.reference.ids
    learned, held_out = tiny_checkpoint.training_pixels, tiny_checkpoint.validation_pixels
    swapped = np.zeros((2, *ids.shape), bool)
    swapped[0][tuple(held_out.T)] = True
    swapped[1][tuple(learned.T)] = True
    swapped[1, 23, 19] = True  # and one new pixel validates
    given = Split(ids, swapped[0], swapped[1], np.zeros(ids.shape, bool), "painted")
    split = continue_split(given, tiny_checkpoint, tiny_job.cube)
    assert places(np.argwhere(split.train)) == places(learned)
    assert places(np.argwhere(split.validation)) == places(held_out) | {(23, 19)}
    both = replace(tiny_checkpoint, validation_pixels=np.concatenate((learned, held_out)))
    split = continue_split(given, both, tiny_job.cube)
    assert not places(np.argwhere(split.validation)) & places(learned)
    elsewhere = replace(tiny_job.cube, raw=np.zeros((9, 9, 6), np.int16))
    assert continue_split(given, tiny_checkpoint, elsewhere) is given


def test_a_class_whose_learned_labels_were_erased_is_still_trained(
    tiny_job: Any, tiny_checkpoint: Any
) -> None:
    ids = tiny_job.reference.ids.copy()
    held_out = np.zeros(ids.shape, bool)
    held_out[tuple(tiny_checkpoint.validation_pixels.T)] = True
    ids[(ids == 5) & ~held_out] = 0
    split = Split(ids, ids > 0, ids > 99, ids > 99, "painted")
    split = continue_split(split, tiny_checkpoint, tiny_job.cube)
    assert set(np.unique(split.ids[split.train])) == {2, 5, 9}


def test_pixels_of_both_trainings_are_left_out_of_the_accuracy(
    tiny_job: Any, tiny_checkpoint: Any
) -> None:
    checkpoint = result_of(warm(tiny_job, tiny_checkpoint))
    seen = places(checkpoint.training_pixels)
    assert places(tiny_checkpoint.training_pixels) < seen
    assert len(seen) == len(checkpoint.training_pixels) > checkpoint.record.n_train
    true = tiny_job.reference.ids[tuple(checkpoint.training_pixels.T)]
    np.testing.assert_array_equal(checkpoint.training_ids, true)
    assert places(tiny_checkpoint.validation_pixels) <= places(checkpoint.validation_pixels)


def test_it_can_be_repeated_bit_for_bit(tiny_job: Any, tiny_checkpoint: Any) -> None:
    before = {name: value.clone() for name, value in tiny_checkpoint.weights.items()}
    first, second = (result_of(warm(tiny_job, tiny_checkpoint)) for _ in range(2))
    for name, value in first.weights.items():
        assert torch.equal(value, second.weights[name]), name
        assert torch.equal(before[name], tiny_checkpoint.weights[name]), name


def test_other_bands_are_refused(tiny_job: Any, tiny_checkpoint: Any) -> None:
    good = tiny_job.cube.good_bands.copy()
    good[0] = False
    with pytest.raises(BandsError, match=r"4 bands switched on.* 5"):
        result_of(warm(tiny_job, tiny_checkpoint, cube=tiny_job.cube.with_good_bands(good)))
    longer = replace(tiny_job.cube, wavelengths=tiny_job.cube.wavelengths + 50)
    with pytest.raises(BandsError, match="band centres differ"):
        result_of(warm(tiny_job, tiny_checkpoint, cube=longer))


def test_another_network_is_refused(tiny_job: Any, tiny_checkpoint: Any) -> None:
    check_start(tiny_checkpoint, tiny_job.cube, replace(tiny_job.model, dropout=0.3))
    with pytest.raises(SettingError, match="d_model = 16: the model to start from has 8"):
        check_start(tiny_checkpoint, tiny_job.cube, replace(tiny_job.model, d_model=16))
