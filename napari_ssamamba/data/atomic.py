"""Files that are either written whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_ssamamba.data.processes import is_running, machine
from napari_ssamamba.errors import ReplacementError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = (0.05, 0.1, 0.2, 0.4)
"""Seconds before each further try: on Windows virus scanners hold new files for a moment."""

TEMPORARY = ".writing-"
"""Begins the names of the folders that are written into."""


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Give a folder to write into, whose files appear in `folder` once all are written.

    Where the block raises, or the disk refuses a file, nothing appears. Headers (``.hdr``) come
    last, so that none is ever seen without its data. Each file replaces one of its name at once; a
    pair of files is replaced one after the other. What a program of this machine had begun there,
    and was killed, is removed.

    Parameters
    ----------
    folder : Path
        Where the files are to be; it is made if it is missing.

    Raises
    ------
    ReplacementError
        Where a file of that name may not be replaced; on Windows none may that is open anywhere.
    OSError
        Where the disk refuses a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    with tempfile.TemporaryDirectory(
        prefix=f"{TEMPORARY}{machine()}-{os.getpid()}-",
        dir=folder,
        ignore_cleanup_errors=True,  # what is held open stays, and hides no other error
    ) as temporary:
        yield Path(temporary)
        written = sorted(Path(temporary).iterdir(), key=lambda p: (p.suffix == ".hdr", p.name))
        for file in written:
            _put_on_disk(file)
            _replace(folder / file.name, file)


def _remove_abandoned(folder: Path) -> None:
    """Remove the folders that programs of this machine had begun and did not live to remove."""
    for path in folder.glob(f"{TEMPORARY}{machine()}-*"):
        found = re.fullmatch(r"-(\d+)-\w+", path.name.removeprefix(TEMPORARY + machine()))
        with suppress(OSError):
            if found and not is_running(int(found[1]), path.stat().st_mtime):
                shutil.rmtree(path, ignore_errors=True)


def _put_on_disk(path: Path) -> None:
    """Let nothing of a file wait in memory, where a power failure would take it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _replace(path: Path, new: Path) -> None:
    """Put a file in the place of another, which may be held for a moment."""
    refused: PermissionError | None = None
    for seconds in (0.0, *PATIENCE):
        time.sleep(seconds)
        try:
            os.replace(new, path)
            return
        except PermissionError as error:
            refused = error
    raise ReplacementError(path) from refused
