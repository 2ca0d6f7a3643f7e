"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real scenes, where it lies beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real scenes at {SHARED_DATA}")
    return SHARED_DATA
