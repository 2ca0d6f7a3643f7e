"""Network and expert count as much as held-out labels say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data.split import random_split
from napari_ssamamba.events import result_of
from napari_ssamamba.expert.calibration import fit_pool, log_softmax, with_floor
from napari_ssamamba.training.config import TrainingConfig, protocol
from napari_ssamamba.training.events import EpochDone
from napari_ssamamba.training.learner import Learner
from napari_ssamamba.training.mixing import (
    EXPERT_ALONE,
    HALF_EACH,
    Expected,
    choose_weights,
    fitting_patch,
)
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from napari_ssamamba.events import Progress

SHORT = TrainingConfig(epochs=2, min_steps=12, max_steps=12, batch_size=8, learning_rate=5e-3)


def run(job: Any, config: TrainingConfig, start: Any = None) -> tuple[list[Progress], Any]:
    split = random_split(job.reference, 12, 0.25, seed=0)
    work = train(job.cube, split, job.reference.classes, job.model, config, "cpu", start)
    events: list[Progress] = []
    return events, result_of(work, events.append)


def scores(targets: np.ndarray, strength: float, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(len(targets), 3))
    values[np.arange(len(targets)), targets] += strength
    return values


@pytest.mark.parametrize(("network", "expert"), [(4.0, 0.0), (0.0, 4.0)])
def test_the_better_one_counts_and_the_report_says_so(network: float, expert: float) -> None:
    targets = np.random.default_rng(0).integers(0, 3, 200)
    record = choose_weights(
        log_softmax(scores(targets, expert, 1)), scores(targets, network, 2), targets, 0.005, 3
    )
    assert (record.network_share > 0.7) == (network > expert)
    assert (record.network_oa > record.expert_oa) == (network > expert)
    assert record.mixed_oa == pytest.approx(max(record.network_oa, record.expert_oa), abs=1.01)
    assert record.mixed_log_loss <= min(record.network_log_loss, record.expert_log_loss) + 0.02
    assert record.n == 200
    said = (
        "200 labels",
        f"{record.network_oa:.1f} %",
        f"{record.expert_oa:.1f} %",
        "shorter training",
    )
    for figure in said:
        assert figure in record.summary()


def test_a_network_that_adds_little_is_given_less_than_its_likelihood() -> None:
    targets = np.random.default_rng(0).integers(0, 3, 300)
    expert, network = log_softmax(scores(targets, 2.0, 1)), scores(targets, 1.2, 2)
    record = choose_weights(expert, network, targets, 0.003, 3)
    members = np.stack((with_floor(log_softmax(network), 0.003), expert))
    likeliest = fit_pool(members, targets)
    assert 0 < record.network_weight < 0.9 * likeliest[0]
    assert record.mixed_log_loss < record.expert_log_loss


def test_labels_that_tell_nothing_leave_what_was_expected() -> None:
    targets = np.random.default_rng(0).integers(0, 3, 60)
    alike = scores(targets, 9.0, 1)
    given = log_softmax(alike), alike, targets, 1 / 62, 3
    assert choose_weights(*given, HALF_EACH).network_share == pytest.approx(0.5, abs=0.03)
    assert choose_weights(*given).network_share < 0.2


@pytest.mark.parametrize(("lessons", "expected"), [(0, EXPERT_ALONE), (40, HALF_EACH)])
def test_a_taught_network_is_expected_to_know_as_much_as_the_expert(
    tiny_job: Any, lessons: int, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def watched(*given: Any) -> Any:
        asked.append(given[-1])
        return choose_weights(*given)

    monkeypatch.setattr("napari_ssamamba.training.mixing.choose_weights", watched)
    run(tiny_job, replace(SHORT, lessons=lessons))
    assert asked == [expected]


@pytest.mark.parametrize(("lessons", "expected"), [(0, [4, 4, 4]), (40, [2])])
def test_a_taught_network_is_asked_about_one_fold_in_fewer_steps(
    tiny_job: Any, lessons: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def watched(*given: Any) -> Learner:
        learner = Learner(*given)
        taken.append(learner.steps_per_epoch)
        return learner

    monkeypatch.setattr("napari_ssamamba.training.held_out.Learner", watched)
    monkeypatch.setattr("napari_ssamamba.training.held_out.MOST_STEPS", 4)
    monkeypatch.setattr("napari_ssamamba.training.held_out.STEPS_TAUGHT", 2)
    run(tiny_job, replace(SHORT, lessons=lessons))
    assert taken == expected


def test_a_training_reports_both_and_repeats_bit_for_bit(tiny_job: Any) -> None:
    events, one = run(tiny_job, SHORT)
    _, other = run(tiny_job, SHORT)
    assert one.record.mixture == other.record.mixture
    assert one.record.mixture.n <= 27  # of 36: nothing learns from those that validate
    _, untaught = run(tiny_job, replace(SHORT, lessons=0))
    assert untaught.record.mixture.n == 27
    np.testing.assert_array_equal(one.expert.weights, other.expert.weights)
    assert len([e for e in events if isinstance(e, EpochDone)]) == 2  # scoring is no epoch
    assert any("held-out" in e.text for e in events)


def test_nothing_learns_from_the_labels_that_validate(tiny_job: Any) -> None:
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    relabelled = split.ids.copy()
    held_out = split.validation
    ids = np.array(tiny_job.reference.classes.ids)
    relabelled[held_out] = np.roll(ids, 1)[np.searchsorted(ids, split.ids[held_out])]
    found = [
        result_of(
            train(
                tiny_job.cube,
                replace(split, ids=ids),
                tiny_job.reference.classes,
                tiny_job.model,
                SHORT,
                "cpu",
            )
        )
        for ids in (split.ids, relabelled)
    ]
    one, other = found
    assert (split.ids[held_out] != relabelled[held_out]).all()
    assert one.record.validation_oa != other.record.validation_oa
    assert one.record.mixture == other.record.mixture
    np.testing.assert_array_equal(
        one.expert.views[0].linear.weights, other.expert.views[0].linear.weights
    )
    assert all((value == other.weights[name]).all() for name, value in one.weights.items())


def test_the_network_alone_is_the_same_network(tiny_job: Any) -> None:
    fixed = replace(SHORT, follow_scene=False, lessons=0)
    _, mixed = run(tiny_job, fixed)
    _, alone = run(tiny_job, replace(fixed, mixture="network"))
    assert alone.expert is None and alone.record.mixture is None
    for name, value in alone.weights.items():
        assert (value == mixed.weights[name]).all(), name


def test_the_published_protocol_has_no_expert() -> None:
    config = protocol("paper")
    assert (config.mixture, config.follow_scene) == ("network", False)


def test_a_model_that_goes_on_keeps_its_weights(tiny_job: Any, tiny_checkpoint: Any) -> None:
    _, found = run(tiny_job, SHORT, tiny_checkpoint)
    before, now = tiny_checkpoint.record.mixture, found.record.mixture
    assert (now.network_weight, now.expert_weight) == (before.network_weight, before.expert_weight)
    assert now.how.startswith("kept from")


def test_patches_shrink_only_where_the_surroundings_are_left_out(tiny_job: Any) -> None:
    wide = replace(tiny_job.model, patch_size=7)

    class Fitted:
        def __init__(self, *, sees_surroundings: bool) -> None:
            self.expert = self
            self.sees_surroundings = sees_surroundings

    near: Any = Fitted(sees_surroundings=False)
    assert fitting_patch(wide, Fitted(sees_surroundings=True)).patch_size == 7  # type: ignore[arg-type]
    assert fitting_patch(wide, near).patch_size == 3
    assert fitting_patch(replace(wide, patch_size=1), near).patch_size == 1
