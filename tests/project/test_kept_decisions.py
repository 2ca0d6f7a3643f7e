"""Decisions that are kept come back as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.audit.decision import Decision
from napari_ssamamba.data.classes import LandClass
from napari_ssamamba.project import kept_decisions as kept
from napari_ssamamba.project.user_data import folder_of, new_begun

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

WRONG = Decision(3, 4, 2, 5, "marked wrong", 2, 2)
LABELLED = Decision(23, 19, 0, 9, "labelled", 0, 9)
CLASSES = (LandClass(2, "Maize", "#123456"), LandClass(9, "Schnee", "#ffffff"))


def test_decisions_come_back_with_their_classes(tiny_job: Any, tmp_path: Path) -> None:
    cube, begun = tiny_job.cube, new_begun()
    for made in ((WRONG,), (WRONG, LABELLED), (WRONG,)):
        kept.keep_decisions(made, CLASSES, cube, tmp_path, begun)
        [found] = kept.kept_decisions(cube, tmp_path)
        assert (found.made, found.classes) == (made, CLASSES)
    assert found.short.endswith(" · 1 decision") and str(found).endswith(" · 1 decision")
    kept.keep_decisions((), (), cube, tmp_path, begun)
    assert kept.kept_decisions(cube, tmp_path) == []


def test_the_oldest_go(tiny_job: Any, tmp_path: Path) -> None:
    cube = tiny_job.cube
    for n in range(1, kept.FILES_A_SCENE + 3):
        kept.keep_decisions((WRONG,) * n, CLASSES, cube, tmp_path, new_begun())
    counts = [len(found.made) for found in kept.kept_decisions(cube, tmp_path)]
    assert counts == list(range(n, n - kept.FILES_A_SCENE, -1))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": kept.VERSION + 1},
        {"format": "another"},
        {"more": 1},
        {"made": [{"row": 3}]},
        {"made": [{**{n: getattr(WRONG, n) for n in Decision.__slots__}, "kind": "guessed"}]},
        {"made": [{**{n: getattr(WRONG, n) for n in Decision.__slots__}, "row": 24}]},
        {"made": [{**{n: getattr(WRONG, n) for n in Decision.__slots__}, "column": -1}]},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_not_offered_and_stays(
    tiny_job: Any, tmp_path: Path, changes: dict[str, Any]
) -> None:
    cube = tiny_job.cube
    kept.keep_decisions((WRONG,), CLASSES, cube, tmp_path, new_begun())
    [found] = kept.kept_decisions(cube, tmp_path)
    told = json.loads(found.path.read_text(encoding="utf-8"))
    found.path.write_text(json.dumps(told | changes), encoding="utf-8")
    assert kept.kept_decisions(cube, tmp_path) == []
    kept.keep_decisions((LABELLED,), CLASSES, cube, tmp_path, new_begun())
    assert found.path.exists()


def test_a_full_disk_leaves_what_was_kept(
    tiny_job: Any, tmp_path: Path, disk_that_takes: Callable[[int], AbstractContextManager[None]]
) -> None:
    cube, begun = tiny_job.cube, new_begun()
    kept.keep_decisions((WRONG,), CLASSES, cube, tmp_path, begun)
    with disk_that_takes(40), pytest.raises(OSError):
        kept.keep_decisions((WRONG, LABELLED), CLASSES, cube, tmp_path, begun)
    [found] = kept.kept_decisions(cube, tmp_path)
    assert found.made == (WRONG,)
    assert len(list(folder_of(cube, tmp_path, kept.KIND).iterdir())) == 1


def test_they_belong_to_the_scene_s_content(tiny_job: Any, tmp_path: Path) -> None:
    cube = replace(tiny_job.cube, fingerprint="f")
    kept.keep_decisions((WRONG,), CLASSES, cube, tmp_path, new_begun())
    assert kept.kept_decisions(replace(cube, name="copy"), tmp_path)
    assert not kept.kept_decisions(replace(cube, fingerprint="g"), tmp_path)
