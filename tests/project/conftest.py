"""What the tests of kept files share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from training_commands import Command

from napari_ssamamba.project import unfinished_trainings
from napari_ssamamba.project.checkpoints import save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tiny_checkpoint: Any, tmp_path: Path) -> Path:
    path = tmp_path / "model.ssamamba"
    save_checkpoint(tiny_checkpoint, path)
    return path


@pytest.fixture
def command(tiny_job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command that trains, and keeps how far it is at each step."""
    monkeypatch.setattr(unfinished_trainings, "SECONDS_TO_KEEP", 0.0)
    return Command(tiny_job, tmp_path / "data")
