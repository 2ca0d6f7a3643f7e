"""A map is up to date only where its model has learned the labels as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.events import result_of
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.session.preview import Preview
from napari_ssamamba.training.config import TrainingConfig

CONFIG = TrainingConfig(epochs=1, min_steps=2, max_steps=2, mixture="network")


@pytest.fixture
def session(audited_session: Any, tiny_job: Any) -> Any:
    """With all of the reference as labels."""
    audited_session.set_labels(tiny_job.reference)
    audited_session.set_training(TrainingSettings(config=CONFIG, device="cpu", preview=False))
    return audited_session


def relabel(session: Any) -> None:
    session.labels[0, 0] = 9 if session.labels[0, 0] == 2 else 2
    session.labels_painted()


def train(session: Any, meanwhile: Any = None) -> None:
    run = session.training_runs.begin()
    next(run)
    if meanwhile is not None:
        meanwhile(session)
    session.set_checkpoint(session.named(result_of(run)))


def new_map(session: Any) -> Any:
    session.mapping.run().close()
    session.mapping.finish()
    return session.map


def test_a_map_is_up_to_date_where_its_training_has_seen_all_labels(session: Any) -> None:
    assert session.learned.behind
    train(session)
    assert not new_map(session).outdated


def test_labels_that_change_while_a_training_runs_outdate_the_map_of_its_model(
    session: Any,
) -> None:
    train(session, relabel)
    assert new_map(session).outdated
    assert session.audit.remedy == "train again and map the scene"
    train(session)
    assert not new_map(session).outdated
    assert session.audit.remedy == "map the scene again"


def test_mapping_again_with_the_same_model_does_not_bring_labels_up_to_date(session: Any) -> None:
    train(session)
    relabel(session)
    assert new_map(session).outdated
    run = session.training_runs.begin()  # is cancelled
    next(run)
    run.close()
    assert new_map(session).outdated


def test_a_preview_is_outdated_by_labels_that_its_training_has_not_seen(
    session: Any, tiny_checkpoint: Any
) -> None:
    def preview() -> bool:
        for _ in session.mapping.preview_steps(Preview(checkpoint=tiny_checkpoint, tiles=())):
            pass
        outdated = session.map.outdated
        session.mapping.end_preview()
        return outdated

    session.training_runs.begin()
    assert not preview()
    relabel(session)
    assert preview()


def test_a_model_from_a_file_is_outdated_by_labels_that_change_after_it(
    session: Any, tiny_checkpoint: Any
) -> None:
    opened = replace(tiny_checkpoint, weights=dict(tiny_checkpoint.weights))
    session.set_checkpoint(opened)
    assert not new_map(session).outdated
    relabel(session)
    session.set_checkpoint(replace(opened, scene_bands=None))  # matched to other bands
    assert new_map(session).outdated


def test_a_model_opened_while_a_training_runs_is_not_taken_for_its_own(
    session: Any, tiny_checkpoint: Any
) -> None:
    run = session.training_runs.begin()
    next(run)
    relabel(session)
    session.set_checkpoint(replace(tiny_checkpoint, weights=dict(tiny_checkpoint.weights)))
    assert not new_map(session).outdated
    session.set_checkpoint(session.named(result_of(run)))
    assert new_map(session).outdated


@pytest.mark.parametrize("outdated", [False, True])
def test_the_model_of_a_restored_map_makes_one_as_up_to_date(session: Any, outdated: bool) -> None:
    train(session)
    kept = new_map(session)
    kept.outdated = outdated
    new_map(session)
    relabel(session)
    kept.checkpoint = replace(kept.checkpoint, weights=dict(kept.checkpoint.weights))  # as read
    session.mapping.take_restored(kept)
    assert session.map.outdated is outdated
    assert new_map(session).outdated is outdated


def test_the_labels_of_a_scene_before_are_of_no_account(session: Any) -> None:
    relabel(session)
    session.open_cube(Cube("other", np.random.default_rng(0).random(session.cube.shape)))
    assert not new_map(session).outdated
