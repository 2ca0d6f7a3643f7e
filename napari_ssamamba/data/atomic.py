"""Files that are either written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Give a folder to write into, whose files appear in `folder` once all are written.

    Where the block raises, or the disk refuses a file, nothing appears. Headers (``.hdr``) come
    last, so that none is ever seen without its data. Each file replaces one of its name at once; a
    pair of files is replaced one after the other.

    Parameters
    ----------
    folder : Path
        Where the files are to be; it is made if it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as temporary:
        yield Path(temporary)
        written = sorted(Path(temporary).iterdir(), key=lambda p: (p.suffix == ".hdr", p.name))
        for file in written:
            _put_on_disk(file)
            os.replace(file, folder / file.name)


def _put_on_disk(path: Path) -> None:
    """Let nothing of a file wait in memory, where a power failure would take it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
