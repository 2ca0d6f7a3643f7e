"""The user's data folder: what cannot be made again, kept by scene."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_ssamamba import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def named_after(cube: Cube, *depends: object) -> str:
    """Name unfinished work after all that it depends on: only the same work has that name.

    Parameters
    ----------
    cube : Cube
        When its files were written counts, too.
    *depends : object
        By what `repr` says of them.
    """
    files = [(path.stat().st_size, path.stat().st_mtime_ns) for path in cube.paths]
    return hashlib.sha256(repr((__version__, files, depends)).encode()).hexdigest()[:16]


def remove_oldest(kept: Path, most: int, besides: Path) -> None:
    """Remove unfinished work, of all scenes together, but for the last.

    Parameters
    ----------
    kept : Path
        Folder of one kind, see `folder_of`.
    most : int
        So many stay.
    besides : Path
        It stays in any case.
    """
    found = [path for path in kept.glob("*/*") if re.fullmatch(r"[0-9a-f]{16}", path.stem)]
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[most:]:
        if path != besides:
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def new_begun() -> str:
    """Name what begins now."""
    return datetime.now().strftime(BEGUN)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of some work on a scene.

    Attributes
    ----------
    path : Path
        File or folder.
    changed : datetime
        When it last changed, in local time.
    """

    path: Path
    changed: datetime

    @property
    def told(self) -> str:
        """What it is, for the user."""
        raise NotImplementedError

    @property
    def told_shortly(self) -> str:
        """The same in few letters."""
        return self.told

    def __str__(self) -> str:
        """Say when it was and what, e.g. ``27 Nov 2026, 14:03 · 12 decisions``."""
        return f"{self.changed:%d %b %Y, %H:%M} · {self.told}"

    @property
    def short(self) -> str:
        """Say it in few letters, e.g. ``27 Nov 14:03 · 12 decisions``."""
        return f"{self.changed:%d %b %H:%M} · {self.told_shortly}"


AnyKept = TypeVar("AnyKept", bound=Kept)


def latest_first(found: Iterable[AnyKept]) -> list[AnyKept]:
    """Sort by when it changed, then by when it was begun."""
    return sorted(found, key=lambda kept: (kept.changed, kept.path.name), reverse=True)
