"""Files are written whole or not at all, and what stands in the way is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.data import atomic
from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.errors import ReplacementError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("before")
    return path


def write(path: Path) -> None:
    with written_whole(path.parent) as folder:
        (folder / path.name).write_text("after")


def test_a_file_reaches_the_disk_before_it_replaces_another(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    replace, sync = os.replace, os.fsync
    monkeypatch.setattr("os.replace", lambda *paths: (done.append("there"), replace(*paths)))
    monkeypatch.setattr("os.fsync", lambda file: (done.append("on the disk"), sync(file)))
    write(path)
    assert done == ["on the disk", "there"] and path.read_text() == "after"


@pytest.mark.usefixtures("as_on_windows")
def test_a_file_that_another_program_holds_stays_and_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "PATIENCE", (0.0,))
    with path.open("rb"), pytest.raises(ReplacementError, match="open in another program") as told:
        write(path)
    assert str(told.value).startswith(f"{path}: ") and isinstance(told.value, OSError)
    assert path.read_text() == "before" and list(path.parent.iterdir()) == [path]
    write(path)
    assert path.read_text() == "after"


def test_a_file_that_is_held_for_a_moment_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, refusals = os.replace, len(atomic.PATIENCE)

    def scanned(*paths: Any) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise PermissionError(13, "the file is used by another process")
        replace(*paths)

    monkeypatch.setattr("os.replace", scanned)
    write(path)
    assert refusals == 0 and path.read_text() == "after"


@pytest.mark.usefixtures("as_on_windows")
def test_what_cannot_be_cleared_away_hides_no_error(path: Path) -> None:
    with pytest.raises(ValueError, match="no space"), written_whole(path.parent) as folder:
        held = (folder / path.name).open("w")
        raise ValueError("no space")
    held.close()
    assert path.read_text() == "before"
