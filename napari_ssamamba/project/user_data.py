"""The user's data folder: what cannot be made again, kept by scene."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_ssamamba.data.cube import Cube

DATA = "SSAMAMBA_DATA"
"""Environment variable that names another folder for what cannot be made again."""

BEGUN = "%Y%m%d-%H%M%S-%f"
"""How a name tells when what it stands for was begun."""

BEGUN_PATTERN = r"\d{8}-\d{6}-\d{6}"


def data_folder() -> Path:
    """Folder for what cannot be made again."""
    if chosen := os.environ.get(DATA):
        return Path(chosen).absolute()
    import platformdirs

    return platformdirs.user_data_path("napari-ssamamba", appauthor=False)


def folder_of(cube: Cube, root: Path, kind: str) -> Path:
    """Folder of what is kept of a scene: the same for the same content, wherever its file lies.

    Parameters
    ----------
    cube : Cube
    root : Path
        See `data_folder`.
    kind : str
        E.g. ``"labels"``.
    """
    known = cube.fingerprint or cube.name
    key = hashlib.sha256(f"{known} {cube.rows} {cube.columns}".encode()).hexdigest()
    return root / kind / key[:16]


def new_begun() -> str:
    """Name what begins now."""
    return datetime.now().strftime(BEGUN)
