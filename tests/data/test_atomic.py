"""Files are written whole or not at all, and what stands in the way is told."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.data import atomic
from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.errors import ReplacementError

if TYPE_CHECKING:
    from collections.abc import Iterator
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


BEGIN = """
import sys
from pathlib import Path
from napari_ssamamba.data.atomic import written_whole
with written_whole(Path(sys.argv[1])) as folder:
    (folder / "notes.txt").write_bytes(b"0" * 1000)
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def begun(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that has begun to write."""
    command = [sys.executable, "-c", BEGIN, str(path.parent)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def test_what_a_killed_program_had_begun_goes(path: Path, begun: subprocess.Popen[str]) -> None:
    other = path.parent / ".writing-0123abcd-1-x"  # of another machine
    other.mkdir()
    write(path)
    [kept] = [p for p in path.parent.iterdir() if p not in (path, other)]
    assert f"-{begun.pid}-" in kept.name and (kept / "notes.txt").stat().st_size == 1000
    begun.kill()
    begun.wait()
    assert kept.exists()
    write(path)
    assert sorted(path.parent.iterdir()) == [other, path]


def test_a_number_that_another_program_has_by_now_keeps_nothing(
    path: Path, begun: subprocess.Popen[str]
) -> None:
    [kept] = [p for p in path.parent.iterdir() if p != path]
    os.utime(kept, (0, 0))  # as if from before that program started
    write(path)
    assert list(path.parent.iterdir()) == [path]


def test_a_program_keeps_what_it_is_writing_itself(path: Path) -> None:
    with written_whole(path.parent) as folder:
        write(path)
        assert folder.exists()
    assert list(path.parent.iterdir()) == [path]
