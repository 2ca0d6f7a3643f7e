"""A training that was cut short goes on from its file, and only where it is the same training."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from training_commands import CONFIG, Command, assert_same

from napari_ssamamba import __version__
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.events import result_of
from napari_ssamamba.project import unfinished_trainings
from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint
from napari_ssamamba.project.kept_trainings import (
    HEADER,
    VERSION,
    TrainingHeader,
    kept_trainings,
)
from napari_ssamamba.project.tensor_files import read_tensors, tensor_bytes
from napari_ssamamba.training.events import StateSoFar
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path


def test_it_goes_on_where_it_was_cut_short(command: Command) -> None:
    wanted = result_of(train(**command.given))
    assert command.cut_short(3) == "The training is kept up to epoch 1"
    assert command.cut_short(4) == "The training is kept up to epoch 2"
    assert len(command.kept) == 1
    found = command.finish()
    assert command.told == "The training was taken up in epoch 2, kept from before."
    assert command.first_step == 8
    assert_same(found, wanted)
    assert list(command.root.rglob("*")) == [command.root / "trainings"]
    assert not any(isinstance(event, StateSoFar) for event in command.events)


def test_numbers_that_are_none_are_kept_as_such(command: Command) -> None:
    """Of validation pixels whose class is not trained there is no loss."""
    split = command.given["split"]
    ids = np.where(split.validation, np.uint16(11), split.ids)
    command.given["split"] = replace(split, ids=ids)
    wanted = result_of(train(**command.given))
    assert math.isnan(wanted.record.history[0].validation_loss or 0)
    command.cut_short(9)
    found = command.finish()
    assert_same(replace(found, record=replace(found.record, history=())),
                replace(wanted, record=replace(wanted.record, history=())))  # fmt: skip
    assert str(found.record.history) == str(wanted.record.history)
    assert command.first_step == 10


def other_start(command: Command) -> None:
    start = command.given["start_from"]
    weights = {name: value + 1 for name, value in start.weights.items()}
    command.given["start_from"] = replace(start, weights=weights)


def other_place(command: Command) -> None:
    """Let another pixel of the same row and class be learned in the place of one."""
    split = command.given["split"]
    row, column = np.argwhere(split.train)[0]
    alike = ~split.train[row] & ~split.validation[row] & (split.ids[row] == split.ids[row, column])
    train, test = split.train.copy(), np.zeros_like(split.test)
    train[row, column], train[row, np.flatnonzero(alike)[0]] = False, True
    command.given["split"] = replace(split, train=train, test=test)


def swapped(command: Command) -> None:
    split = command.given["split"]
    other = {2: 5, 5: 2, 9: 9, 0: 0}
    ids = np.vectorize(other.get, otypes=[np.uint16])(split.ids)
    command.given["split"] = replace(split, ids=ids)


CHANGES: dict[str, Callable[[Command], Any]] = {
    "seed": lambda c: c.given.update(config=replace(CONFIG, seed=1)),
    "network": lambda c: c.given.update(model=replace(c.given["model"], dropout=0.2)),
    "bands": lambda c: c.given.update(
        cube=c.given["cube"].with_good_bands(np.array([1, 1, 0, 1, 1, 0], bool))
    ),
    "training pixels": lambda c: c.given.update(
        split=replace(c.given["split"], train=c.given["split"].train & (np.arange(20) != 7))
    ),
    "as many training pixels": other_place,
    "validation pixels": lambda c: c.given.update(
        split=replace(
            c.given["split"], validation=c.given["split"].validation & (np.arange(20) > 9)
        )
    ),
    "labels": lambda c: c.given.update(
        split=replace(
            c.given["split"],
            ids=np.where(c.given["split"].ids == 5, np.uint16(11), c.given["split"].ids),
        )
    ),
    "labels, of the same classes": swapped,
    "classes' order": lambda c: c.given.update(
        classes=ClassTable(tuple(reversed(tuple(c.given["classes"]))))
    ),
    "model to start from": other_start,
    "no model to start from": lambda c: c.given.update(start_from=None),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_another_training_begins_anew(command: Command, tiny_checkpoint: Any, change: str) -> None:
    if change != "bands":
        command.given["start_from"] = tiny_checkpoint
    command.cut_short(2)
    before = command.kept
    CHANGES[change](command)
    command.cut_short(2)
    assert len(before) == 1 and len(command.kept) == 2


def test_what_changes_no_training_goes_on(
    command: Command, tiny_checkpoint: Any, tmp_path: Path
) -> None:
    """Test pixels, what classes look like, classes without a label, a model read from its file."""
    command.given["start_from"] = tiny_checkpoint
    command.cut_short(2)
    split, classes = command.given["split"], command.given["classes"]
    save_checkpoint(tiny_checkpoint, tmp_path / "model")
    command.given.update(
        split=replace(split, test=np.zeros_like(split.test), description="painted"),
        classes=classes.rename(5, "Maize").recolor(2, "#123456").add("Tundra", id=40).remove(11),
        start_from=load_checkpoint(tmp_path / "model"),
        device="auto" if not torch.cuda.is_available() else "cpu",
    )
    found = command.finish()
    assert command.first_step == 3
    assert "Maize" in found.classes.names and found.record.split.startswith("painted")


def test_scenes_and_versions_that_changed_train_anew(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scene"
    path.write_bytes(b"values")
    command.given.update(cube=replace(command.given["cube"], paths=(path,)), model="compact")
    command.cut_short(2)
    os.utime(path, ns=(1, 1))
    command.cut_short(2)
    assert len(command.kept) == 2
    cube, root = command.given["cube"], command.root
    assert [kept.path.stat().st_mtime for kept in kept_trainings(cube, root)] == [
        max(path.stat().st_mtime for path in command.kept)
    ]
    monkeypatch.setattr("napari_ssamamba.project.user_data.__version__", f"{__version__}.1")
    assert kept_trainings(cube, root) == []
    command.cut_short(2)
    assert len(command.kept) == 3 and len(kept_trainings(cube, root)) == 1


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_what_is_damaged_is_told_and_made_anew(command: Command, content: bytes | None) -> None:
    wanted = result_of(train(**command.given))
    command.cut_short(6)
    whole = command.kept[0].read_bytes()
    command.kept[0].write_bytes(whole[: len(whole) // 2] if content is None else content)
    found = command.finish()
    assert command.told.startswith("What is kept of this training is of no use: damaged")
    assert command.first_step == 1
    assert_same(found, wanted)


def test_what_does_not_fit_is_told_once_and_no_longer_named(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = result_of(train(**command.given))
    command.cut_short(6)
    header, tensors = read_tensors(command.kept[0], HEADER, TrainingHeader, VERSION, "")
    del tensors["network/head.weight"]
    content = tensor_bytes(tensors, HEADER, header)
    command.kept[0].write_bytes(content)
    monkeypatch.setattr(unfinished_trainings, "SECONDS_TO_KEEP", 60.0)
    assert command.cut_short(1) == ""
    found = command.finish()
    assert command.told.startswith("What is kept of this training does not fit: ")
    assert "taken up" not in command.told
    assert command.first_step == 1
    assert_same(found, wanted)


def test_a_full_disk_is_told_once_and_the_training_ends(
    command: Command, disk_that_takes: Callable[[int], AbstractContextManager[None]]
) -> None:
    wanted = result_of(train(**command.given))
    with disk_that_takes(1000):
        found = command.finish()
        assert command.told.count("cut short, it would be lost") == 1
        assert command.cut_short(3) == ""
    assert command.kept == []
    assert_same(found, wanted)


def test_nothing_is_written_for_a_training_of_seconds(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished_trainings, "SECONDS_TO_KEEP", 60.0)
    assert command.cut_short(9) == ""
    assert not command.root.exists()


def test_the_last_three_are_kept_of_all_scenes(command: Command) -> None:
    for seed in range(5):
        command.given["config"] = replace(CONFIG, seed=seed)
        command.given["cube"] = replace(command.given["cube"], fingerprint=str(seed % 3))
        command.cut_short(2)
        for age, path in enumerate(reversed(command.kept)):
            os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - age * 10**9))
    assert len(command.kept) == 3
    command.finish()
    assert command.first_step == 3  # the last is among them
