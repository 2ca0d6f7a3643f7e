"""The expert teaches the network unlabelled pixels, and nobody the labels held out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from napari_ssamamba.data.patches import read_patches
from napari_ssamamba.data.split import random_split
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import result_of
from napari_ssamamba.expert.fit import fit_expert
from napari_ssamamba.expert.folds import by_typicality
from napari_ssamamba.expert.spectral_expert import KINDS
from napari_ssamamba.expert.surroundings import read_with_surroundings
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.network import build_network, load_network
from napari_ssamamba.model.patches import gather_patches
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.prediction.predictor import map_tiles
from napari_ssamamba.training import trainer as trainer_module
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.coordinates import FIRST, scene_coordinates
from napari_ssamamba.training.learner import Samples
from napari_ssamamba.training.lessons import School, read_lessons, scattered_pixels, taught
from napari_ssamamba.training.preparation import fit_standardiser
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from napari_ssamamba.checkpoint import Checkpoint

SHORT = TrainingConfig(epochs=2, max_steps=12, min_steps=12, batch_size=8, lessons=100)


def run(job: Any, config: TrainingConfig) -> tuple[list[Any], Checkpoint]:
    split = random_split(job.reference, 12, 0.25, seed=0)
    events: list[Any] = []
    work = train(job.cube, split, job.reference.classes, job.model, config, "cpu")
    return events, result_of(work, events.append)


def prepared(job: Any, config: TrainingConfig = SHORT) -> Any:
    """Return labelled pixels, their class numbers, a fitted expert and lessons."""
    split = random_split(job.reference, 12, 0.0, seed=0)
    pixels = np.argwhere(split.train).astype(np.int32)
    targets = np.unique(split.ids[split.train], return_inverse=True)[1].astype(np.int64)
    scale = result_of(fit_standardiser(job.cube, pixels, config))
    expert = result_of(fit_expert(job.cube, pixels, targets, 3, scale, 0)).expert
    model = replace(job.model, bands=int(job.cube.good_indices.size))
    return pixels, targets, expert, result_of(read_lessons(job.cube, model, scale, config))


def test_a_network_of_coordinates_says_the_same_of_spectra() -> None:
    rng = np.random.default_rng(0)
    spectra = rng.normal(size=(300, 90)) @ rng.normal(size=(90, 90))
    coordinates = scene_coordinates(spectra.astype(np.float32))
    assert coordinates.count == 64
    config = ModelConfig(bands=64, classes=3, patch_size=3, d_model=8, heads=2, depth=1)
    network = build_network(config, torch.Generator().manual_seed(0)).eval()
    whole = load_network(replace(config, bands=90), coordinates.left(network.state_dict()))
    table = spectra.astype(np.float32)
    index = torch.from_numpy(rng.integers(0, 300, (20, 9)))
    projected = torch.from_numpy((table @ coordinates.axes).astype(np.float32))
    with torch.no_grad():
        said = network(gather_patches(projected, index))
        torch.testing.assert_close(
            whole(gather_patches(torch.from_numpy(table), index)), said, atol=1e-4, rtol=1e-4
        )
    back = coordinates.entered(whole.state_dict())
    torch.testing.assert_close(back[FIRST], network.state_dict()[FIRST], atol=1e-5, rtol=1e-4)
    assert abs(float(projected.square().mean()) - 1) < 1e-3


def test_patches_in_coordinates_are_those_of_bands(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.training.coordinates.AT_ONCE", 7)
    pixels, _, _, lessons = prepared(tiny_job)
    corners = np.array([[0, 0], [tiny_job.cube.rows - 1, 0]], np.int32)
    wanted = np.concatenate((pixels, corners))
    plain = result_of(read_patches(tiny_job.cube, wanted, 3, lessons.standardiser))
    found = result_of(
        lessons.coordinates.read_patches(tiny_job.cube, wanted, 3, lessons.standardiser)
    )
    expected = plain.table[plain.index] @ lessons.coordinates.axes
    np.testing.assert_allclose(found.table[found.index], expected, atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(7, 9), (3000, 40), (5, 4000), (2000, 2000)])
def test_lessons_come_from_all_over_the_scene(rows: int, columns: int) -> None:
    found = scattered_pixels(rows, columns, 600, np.random.default_rng(0))
    assert len(np.unique(found, axis=0)) == len(found) == min(600, rows * columns)
    assert (found >= 0).all() and (found < (rows, columns)).all()
    assert np.ptp(found[:, 0]) >= 0.8 * (rows - 1)


def test_lessons_are_measured_pixels_as_the_expert_sees_them(tiny_job: Any) -> None:
    _, _, expert, lessons = prepared(tiny_job, replace(SHORT, lessons=400))
    measured = tiny_job.cube.read(slice(0, tiny_job.cube.rows), slice(0, tiny_job.cube.columns))
    rows, columns = lessons.pixels.T
    assert len(lessons.pixels) > 200
    assert np.isfinite(measured[rows, columns]).all()
    said = result_of(lessons.said_by(expert))
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    ids = np.array([2, 5, 9])[said.argmax(axis=1)]
    truth = tiny_job.reference.ids[rows, columns]
    known = np.isin(truth, (2, 5, 9))
    assert (ids[known] == truth[known]).mean() > 0.9


def test_a_teacher_of_single_spectra_is_believed_pixel_by_pixel(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, expert, lessons = prepared(tiny_job)
    of_own = {"views": expert.views[:1], "weights": expert.weights[: len(KINDS)], "support": 0.0}
    alone = replace(expert, **of_own)
    scale = lessons.standardiser
    own, _ = result_of(read_with_surroundings(tiny_job.cube, lessons.pixels, scale))
    np.testing.assert_array_equal(lessons.coordinates.axes, scene_coordinates(own).axes)
    expected = np.exp(alone.log_probabilities(own))
    # what lies around is not even read
    monkeypatch.delattr("napari_ssamamba.expert.asking.read_with_surroundings")
    np.testing.assert_allclose(result_of(lessons.said_by(alone)), expected, atol=1e-5)


def test_a_scene_without_enough_pixels_teaches_nothing(tiny_job: Any) -> None:
    assert prepared(tiny_job, replace(SHORT, lessons=1))[3] is None
    _, alone = run(tiny_job, replace(SHORT, lessons=0))
    events, found = run(tiny_job, replace(SHORT, lessons=1))
    assert not any("as the expert sees them" in e.text for e in events)
    assert all(torch.equal(value, found.weights[name]) for name, value in alone.weights.items())


@pytest.mark.parametrize("sampling", ["uniform", "balanced"])
def test_an_eighth_of_what_is_learned_are_labels(tiny_job: Any, sampling: Any) -> None:
    pixels, targets, expert, lessons = prepared(tiny_job)
    targets[:20] = 0  # not all classes have as many
    labelled = Samples(torch.zeros(len(pixels), 9, dtype=torch.int32), torch.from_numpy(targets))
    index = torch.ones(len(lessons.pixels), 9, dtype=torch.int32)
    config = replace(SHORT, sampling=sampling)
    samples = result_of(School(lessons, index).samples(labelled, expert, config))
    assert samples.weights is not None
    n = len(pixels)
    assert float(samples.weights[:n].sum()) == pytest.approx(1 / 8)
    assert float(samples.weights.sum()) == pytest.approx(1)
    assert (samples.targets[:n].argmax(dim=1) == labelled.targets).all()
    of_class = [float(samples.weights[:n][labelled.targets == k].sum()) for k in range(3)]
    assert (max(of_class) - min(of_class) < 1e-9) == (sampling == "balanced")


def test_nobody_who_teaches_knows_the_labels_held_out(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[Any] = []
    taught_by: list[Any] = []
    learned: list[int] = []

    def fitting(*given: Any) -> Any:
        fits.append((given, (yield from fit_expert(*given))))
        return fits[-1][1]

    def teaching(self: School, labelled: Samples, expert: Any, config: Any) -> Any:
        taught_by.append(expert)
        learned.append(len(labelled.targets))
        return (yield from samples(self, labelled, expert, config))

    samples = School.samples
    monkeypatch.setattr(trainer_module, "fit_expert", fitting)
    monkeypatch.setattr(School, "samples", teaching)
    run(tiny_job, SHORT)
    [((_, _, targets, *_), fitted)] = fits
    left_out = by_typicality(fitted.fold, targets)[0]
    assert len(taught_by) == 2 and taught_by[0] is fitted.expert
    assert taught_by[1] is fitted.without[left_out]
    assert learned[1] == (fitted.fold != left_out).sum() < learned[0] == len(targets)


def test_an_expert_without_a_fold_is_that_of_the_other_labels(tiny_job: Any) -> None:
    pixels, targets, _, lessons = prepared(tiny_job)
    fitted = result_of(fit_expert(tiny_job.cube, pixels, targets, 3, lessons.standardiser, 0))
    own = fitted.fold == 1
    swapped = np.where(own, (targets + 1) % 3, targets)
    found = result_of(fit_expert(tiny_job.cube, pixels, swapped, 3, lessons.standardiser, 0))
    views = result_of(read_with_surroundings(tiny_job.cube, pixels, lessons.standardiser))
    for one in (fitted, found):
        expert = one.without[1]
        said = expert.log_probabilities(*views[: 1 + expert.sees_surroundings])
        np.testing.assert_allclose(said[own], one.held_out[own], atol=1e-3)
        assert (said.argmax(axis=1)[own] == targets[own]).mean() > 0.8
        assert not expert.shift.any()


def test_a_taught_training_repeats_bit_for_bit_and_its_network_reads_bands(tiny_job: Any) -> None:
    events, one = run(tiny_job, SHORT)
    _, other = run(tiny_job, SHORT)
    _, untaught = run(tiny_job, replace(SHORT, lessons=0))
    for name, value in one.weights.items():
        assert torch.equal(value, other.weights[name]), name
    assert one.weights[FIRST].shape == untaught.weights[FIRST].shape
    assert not torch.equal(one.weights["head.weight"], untaught.weights["head.weight"])
    assert any("as the expert sees them" in e.text for e in events)


def mapped(cube: Any, checkpoint: Checkpoint, members: Any) -> Any:
    """Map the whole scene; returns the class ids."""
    found = np.zeros((cube.rows, cube.columns), np.uint16)

    def place(event: Any) -> None:
        if isinstance(event, MapTile):
            found[event.lattice][event.new] = event.ids[event.new]

    whole = Window(0, cube.rows, 0, cube.columns)
    result_of(map_tiles(cube, checkpoint, region=whole, device="cpu", members=members), place)
    return found


def test_the_network_learns_what_the_expert_sees(tiny_job: Any) -> None:
    """Nine labels alone, three of each class, teach it less."""
    split = random_split(tiny_job.reference, 3, 0.0, seed=0)
    config = TrainingConfig(epochs=2, min_steps=150, max_steps=150)
    agreeing = []
    for number in (400, 0):
        work = train(
            tiny_job.cube,
            split,
            tiny_job.reference.classes,
            tiny_job.model,
            replace(config, lessons=number),
            "cpu",
        )
        checkpoint = result_of(work)
        network, expert = (mapped(tiny_job.cube, checkpoint, m) for m in ("network", "expert"))
        known = network > 0
        agreeing.append(float((network == expert)[known].mean()))
    assert agreeing[0] > max(0.9, agreeing[1])


def test_large_patches_take_half_the_steps(tiny_job: Any) -> None:
    model = replace(tiny_job.model, patch_size=7)
    config = TrainingConfig()
    assert taught(config, tiny_job.model).max_steps == config.max_steps
    assert taught(config, model).max_steps == taught(config, model).min_steps == 600
    assert taught(replace(config, max_steps=None), model).max_steps is None


def test_wrong_values_of_one_pixel_leave_the_others_as_they_are_to_a_network(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would scale the coordinates in which it learns, and its batches' statistics."""
    config = replace(SHORT, max_steps=24, min_steps=24, lessons=400, follow_scene=False)
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    free = np.argwhere(~(split.train | split.validation))
    row, column = next(p for p in free if 10 < p[0] < 14 and 8 < p[1] < 12)
    values = np.array(tiny_job.cube.raw)
    values[row, column] = 32_000
    spoiled = replace(tiny_job, cube=replace(tiny_job.cube, raw=values))

    def settled(job: Any) -> np.ndarray:
        _, found = run(job, config)
        norms = [v for name, v in found.weights.items() if name.endswith("running_var")]
        return np.array([float(variance.mean()) for variance in norms])

    clean, limited = settled(tiny_job), settled(spoiled)
    monkeypatch.setattr("napari_ssamamba.data.standardise.LIMIT", np.inf)
    unlimited = settled(spoiled)
    assert abs(np.log(limited / clean)).max() < 0.4
    assert abs(np.log(unlimited / clean)).max() > 0.8
