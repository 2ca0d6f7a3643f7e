"""Which attention is shown, and when it no longer holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import SSAMambaError
from napari_ssamamba.events import result_of
from napari_ssamamba.session import AttentionChoice, Session


@pytest.fixture
def session(tiny_job: Any, tiny_checkpoint: Any) -> Session:
    session = Session()
    session.open_cube(tiny_job.cube)
    session.set_checkpoint(tiny_checkpoint)
    return session


def map_scene(session: Session) -> None:
    take_all(session, session.mapping.run())
    session.mapping.finish()


def take_all(session: Session, run: Any) -> None:
    for event in run:
        if hasattr(event, "window"):
            session.mapping.add_tile(event)


def test_mapping_computes_the_attention_only_where_asked_to(session: Session) -> None:
    map_scene(session)
    assert session.attention.maps is None
    session.attention.with_map = True
    map_scene(session)
    maps = session.attention.maps
    assert maps is not None and not maps.outdated
    assert np.isnan(maps.values[:, :3, :3]).all(), "the corner was not measured"
    measured = maps.values[:, 4:]
    assert np.isfinite(measured).all() and measured.min() >= 0


def test_the_maps_of_a_view_fill_in_and_equal_those_of_the_scene(session: Session) -> None:
    attention = session.attention
    take_all(session, attention.view_run(Window(5, 9, 2, 8)))
    attention.finish()
    first = attention.maps
    take_all(session, attention.view_run(Window(9, 12, 2, 8)))
    attention.finish()
    assert attention.maps is first and first is not None
    part = first.values.copy()
    assert np.isfinite(part[0]).sum() == 7 * 6
    attention.with_map = True
    map_scene(session)
    assert attention.maps is not None
    np.testing.assert_allclose(part[:, 5:12, 2:8], attention.maps.values[:, 5:12, 2:8], atol=1e-5)


def test_painting_and_a_new_model_outdate_the_maps(session: Session, tiny_checkpoint: Any) -> None:
    session.attention.with_map = True
    map_scene(session)
    session.labels_painted()
    assert session.attention.maps is not None and session.attention.maps.outdated
    session.set_checkpoint(replace(tiny_checkpoint, weights=dict(tiny_checkpoint.weights)))
    map_scene(session)
    assert not session.attention.maps.outdated
    session.set_checkpoint(replace(tiny_checkpoint))
    assert session.attention.maps.outdated
    session.attention.with_map = False
    map_scene(session)
    assert session.attention.maps is None, "of the model before"


def test_the_maps_of_a_model_that_does_not_know_the_labels_are_outdated_and_filled_in(
    session: Session,
) -> None:
    attention = session.attention
    session.labels_painted()
    take_all(session, attention.view_run(Window(5, 9, 2, 8)))
    attention.finish()
    first = attention.maps
    assert first is not None and first.outdated
    take_all(session, attention.view_run(Window(9, 12, 2, 8)))
    attention.finish()
    assert attention.maps is first and np.isfinite(first.values[0]).sum() == 7 * 6
    map_scene(session)
    assert attention.maps is first, "of the model that made the map"


def test_a_cancelled_mapping_brings_back_the_maps_before(session: Session) -> None:
    session.attention.with_map = True
    map_scene(session)
    before = session.attention.maps
    session.mapping.run().close()
    assert session.attention.maps is not before
    session.mapping.keep_before()
    assert session.attention.maps is before


def test_another_scene_has_none(session: Session, tiny_job: Any) -> None:
    session.attention.with_map = True
    map_scene(session)
    session.open_cube(tiny_job.cube)
    assert session.attention.maps is None


def test_a_model_without_attention_says_so_and_is_mapped_all_the_same(
    session: Session, tiny_checkpoint: Any
) -> None:
    model = replace(tiny_checkpoint.model, attention="none")
    weights = {k: v for k, v in tiny_checkpoint.weights.items() if "asks" not in k}
    session.set_checkpoint(replace(tiny_checkpoint, model=model, weights=weights))
    assert "no attention" in (session.attention.missing() or "")
    session.attention.with_map = True
    map_scene(session)
    assert session.map is not None and session.map.complete and session.attention.maps is None
    with pytest.raises(SSAMambaError, match="no attention"):
        session.attention.view_run(Window(0, 2, 0, 2))
    session.pick(9, 9)
    assert session.attention.pixel_run() is None


def test_a_choice_that_another_model_does_not_have_is_dropped(
    session: Session, tiny_checkpoint: Any
) -> None:
    session.attention.choose(AttentionChoice(block=1, head=1, received=True))
    session.set_checkpoint(replace(tiny_checkpoint))
    assert session.attention.choice.block == 1
    model = replace(tiny_checkpoint.model, depth=1)
    session.set_checkpoint(replace(tiny_checkpoint, model=model))
    assert session.attention.choice == AttentionChoice(received=True)


def test_a_pixel_is_explained_by_the_model_of_the_map(
    session: Session, tiny_checkpoint: Any
) -> None:
    attention = session.attention
    map_scene(session)
    session.pick(9, 7)
    read = result_of(attention.pixel_run())
    newest = replace(tiny_checkpoint, model=replace(tiny_checkpoint.model, depth=1))
    session.set_checkpoint(newest)
    assert attention.explains() is tiny_checkpoint
    np.testing.assert_array_equal(result_of(attention.pixel_run()).weights, read.weights)
    attention.choose(AttentionChoice(block=1))
    attention.set_pixel(read)
    session.mapping.run()
    assert attention.explains() is newest and attention.pixel is None
    assert attention.choice == AttentionChoice(), "the newest has no second block"


def test_what_is_missing_is_said() -> None:
    session = Session()
    assert "No scene" in (session.attention.missing() or "")
