"""The section Map says what is wrong with the map that is shown, and of which one it tells."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.audit import map_accuracy
from napari_ssamamba.events import Progress, result_of
from napari_ssamamba.gui.map_panel import MapPanel
from napari_ssamamba.session.preview import Preview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session


@pytest.fixture
def panel(qtbot: Any, audited: Session, workflow: Workflow) -> MapPanel:
    made = MapPanel(audited, workflow)
    qtbot.addWidget(made)
    return made


def test_it_says_whether_mapping_again_is_enough(panel: MapPanel, audited: Any) -> None:
    audited.labels_painted()
    assert "Train again, then map the scene." in panel.state.text()
    audited.mapping.run().close()
    audited.mapping.finish()
    assert "Train again, then map the scene." in panel.state.text()
    other = replace(audited.checkpoint, weights=dict(audited.checkpoint.weights))
    audited.set_checkpoint(other)
    assert panel.state.text().endswith("Map the scene again.")
    audited.mapping.run().close()
    audited.mapping.finish()
    assert panel.state.text() == "Complete."


@pytest.fixture
def slow(audited: Session, workflow: Workflow, monkeypatch: Any) -> Iterator[Event]:
    """A comparison with the reference that ends once this is set; it has begun."""
    begun, may_end = Event(), Event()
    compare = map_accuracy.map_accuracy

    def slowly(*given: Any) -> Any:
        yield Progress()
        begun.set()
        assert may_end.wait(20)
        return (yield from compare(*given))

    with monkeypatch.context() as slowed:
        slowed.setattr(map_accuracy, "map_accuracy", slowly)
        workflow.mapping.assess()
        assert begun.wait(20)
    yield may_end
    may_end.set()


def test_the_accuracy_of_the_map_before_is_not_told_of_the_next_one(
    qtbot: Any, slow: Event, audited: Any, workflow: Workflow
) -> None:
    told: list[Any] = []
    audited.events.accuracy.connect(lambda: told.append((audited.accuracy, audited.map.complete)))
    workflow.mapping.map_scene()
    slow.set()
    qtbot.waitUntil(lambda: audited.map.complete and audited.accuracy is not None)
    assert [complete for accuracy, complete in told if accuracy is not None] == [True]


def test_a_map_that_is_brought_back_has_its_accuracy_again(
    qtbot: Any, audited: Any, workflow: Workflow
) -> None:
    before = audited.map
    audited.mapping.set_accuracy(result_of(audited.mapping.accuracy_run()))
    oa = audited.accuracy.oa
    workflow.mapping.map_scene()
    assert audited.map is not before and audited.accuracy is None
    workflow.mapping.cancel()
    qtbot.waitUntil(lambda: audited.accuracy is not None)
    assert audited.map is before and audited.accuracy.oa == oa


def test_a_comparison_with_the_reference_before_ends_also_where_there_is_no_other(
    slow: Event, audited: Any, workflow: Workflow, tiny_job: Any
) -> None:
    audited.map.complete = False
    audited.set_reference(replace(tiny_job.reference, ids=tiny_job.reference.ids.copy()))
    workflow.mapping.assess()
    assert workflow.job("accuracy") is None


def test_an_accuracy_is_taken_only_for_what_was_compared(
    audited: Any, tiny_job: Any, tiny_checkpoint: Any
) -> None:
    mapping = audited.mapping
    late = result_of(mapping.accuracy_run())
    audited.set_reference(replace(tiny_job.reference, ids=tiny_job.reference.ids.copy()))
    mapping.take_accuracy(late)
    assert audited.accuracy is None
    late = result_of(mapping.accuracy_run())
    mapping.run().close()
    mapping.take_accuracy(late)
    assert audited.accuracy is None
    mapping.keep_before()
    run = mapping.accuracy_run()
    audited.classes = audited.map.classes
    audited.rename_class(5, "Sweetcorn")
    for _ in mapping.preview_steps(Preview(checkpoint=tiny_checkpoint, tiles=())):
        pass
    mapping.take_accuracy(result_of(run))
    assert audited.accuracy is not None  # of the map that comes back after the preview
