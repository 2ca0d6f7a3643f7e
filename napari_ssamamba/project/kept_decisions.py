"""Decisions about errors, suggestions and suspects, kept while they are made.

Each scene has a folder in the user's data folder, and each time that decisions were made about it
a JSON file there.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from napari_ssamamba.audit.decision import Decision  # noqa: TC001 (pydantic reads it)
from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.classes import LandClass  # noqa: TC001 (pydantic reads it)
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.project.headers import read_header
from napari_ssamamba.project.user_data import BEGUN_PATTERN, Kept, folder_of, latest_first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube

KIND = "decisions"
"""Of what is kept, see `folder_of`."""

FILES_A_SCENE = 5
"""Files of a scene that are kept; the oldest go."""

VERSION = 1

REMEDY = "Remove the file."


class _File(BaseModel):
    """What a file holds; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["napari-ssamamba decisions"] = "napari-ssamamba decisions"
    version: int = VERSION
    classes: tuple[LandClass, ...]
    made: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class KeptDecisions(Kept):
    """Decisions that were made at some time, and the file that holds them.

    Attributes
    ----------
    made : tuple of Decision
    classes : tuple of LandClass
        That they are about.
    """

    made: tuple[Decision, ...]
    classes: tuple[LandClass, ...]

    @property
    def told(self) -> str:
        """E.g. ``12 decisions``."""
        return "1 decision" if len(self.made) == 1 else f"{len(self.made):,} decisions"


def kept_decisions(cube: Cube, root: Path) -> list[KeptDecisions]:
    """List the decisions that are kept of a scene, those changed last first.

    Damaged files, and decisions about pixels that the scene does not have, are left out.

    Parameters
    ----------
    cube : Cube
    root : Path
        See `data_folder`.
    """
    found = []
    for path in folder_of(cube, root, KIND).glob("*.json"):
        if re.fullmatch(BEGUN_PATTERN, path.stem):
            with suppress(OSError, UnicodeError, FileFormatError):
                text = path.read_text(encoding="utf-8")
                changed = datetime.fromtimestamp(path.stat().st_mtime)
                read = read_header(path, text, _File, VERSION, REMEDY)
                if all(0 <= d.row < cube.rows and 0 <= d.column < cube.columns for d in read.made):
                    found.append(KeptDecisions(path, changed, read.made, read.classes))
    return latest_first(found)


def are_kept(cube: Cube, root: Path, begun: str) -> bool:
    """Tell whether there is a file of decisions; another window may have removed it."""
    return _path(cube, root, begun).exists()


def keep_decisions(
    made: Sequence[Decision],
    classes: Iterable[LandClass],
    cube: Cube,
    root: Path,
    begun: str,
    used: Collection[Path] = (),
) -> None:
    """Write decisions in the place of those that began with the same; where none are left, remove.

    Parameters
    ----------
    made : sequence of Decision
    classes : iterable of LandClass
        That they are about.
    cube : Cube
        Their scene.
    root : Path
        See `data_folder`.
    begun : str
        See `new_begun`.
    used : collection of Path
        Files that stay, though they are the oldest.

    Raises
    ------
    OSError
        Where the folder cannot be written into, or its disk is full; what was kept stays.
    """
    path = _path(cube, root, begun)
    if not made:
        path.unlink(missing_ok=True)
        return
    text = _File(classes=tuple(classes), made=tuple(made)).model_dump_json()
    with written_whole(path.parent) as folder:
        (folder / path.name).write_text(text, encoding="utf-8")
    for kept in kept_decisions(cube, root)[FILES_A_SCENE:]:
        if kept.path not in used:
            kept.path.unlink(missing_ok=True)


def _path(cube: Cube, root: Path, begun: str) -> Path:
    return folder_of(cube, root, KIND) / f"{begun}.json"
