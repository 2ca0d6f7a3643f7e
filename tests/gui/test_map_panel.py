"""The section Map says what is wrong with the map that is shown, and of which one it tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.gui.map_panel import MapPanel

if TYPE_CHECKING:
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
