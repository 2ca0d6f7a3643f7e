"""What the tests of kept files share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.project.checkpoints import save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tiny_checkpoint: Any, tmp_path: Path) -> Path:
    path = tmp_path / "model.ssamamba"
    save_checkpoint(tiny_checkpoint, path)
    return path
