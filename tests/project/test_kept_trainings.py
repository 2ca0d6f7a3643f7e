"""Trainings that can go on from their files are listed; what they need is in there."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from training_commands import CONFIG, Command, assert_same

from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.events import result_of
from napari_ssamamba.project import unfinished_trainings
from napari_ssamamba.project.kept_trainings import (
    HEADER,
    IDS,
    PIXELS,
    START,
    VERSION,
    TrainedLabels,
    TrainingHeader,
    kept_trainings,
    read_labels,
    read_start,
)
from napari_ssamamba.project.tensor_files import read_tensors, tensor_bytes
from napari_ssamamba.training.trainer import train


def test_trainings_that_can_go_on_are_listed(command: Command) -> None:
    cube, root = command.given["cube"], command.root
    assert kept_trainings(cube, root) == []
    command.given.update(model="compact")
    command.cut_short(2)
    command.given.update(config=replace(CONFIG, seed=4))
    command.cut_short(6)
    listed = kept_trainings(cube, root)
    assert [(kept.preset, kept.config.seed, kept.device, kept.epoch) for kept in listed] == [
        ("compact", 4, "cpu", 2),
        ("compact", 0, "cpu", 1),
    ]
    assert listed[0].config == command.given["config"]
    assert listed[0].classes == command.given["classes"]
    assert listed[0].bands == tuple(cube.good_indices)
    assert listed[0].changed >= listed[1].changed
    assert kept_trainings(replace(cube, fingerprint="another"), root) == []
    listed[0].path.write_bytes(b"nonsense")
    assert kept_trainings(cube, root) == listed[1:]


def test_the_labels_are_in_the_file(command: Command) -> None:
    command.given.update(model="compact")
    command.cut_short(2)
    [kept] = kept_trainings(command.given["cube"], command.root)
    cube, before = command.given["cube"], command.given["split"]
    found = read_labels(kept, cube).split((cube.rows, cube.columns), kept.description)
    learned = before.train | before.validation
    assert before.train.any() and before.validation.any() and before.test.any()
    np.testing.assert_array_equal(found.ids, np.where(learned, before.ids, 0))
    np.testing.assert_array_equal(found.train, before.train)
    np.testing.assert_array_equal(found.validation, before.validation)
    assert not found.test.any() and found.description == before.description
    command.given["split"] = found
    assert command.unfinished().path == kept.path and read_start(kept) is None


def test_the_model_to_start_from_is_in_the_file(command: Command) -> None:
    command.given.update(model="compact", config=replace(CONFIG, mixture="mixed"))
    command.given.update(start_from=command.finish())
    wanted = result_of(train(**command.given))
    command.cut_short(2)
    [kept] = kept_trainings(command.given["cube"], command.root)
    command.given["start_from"] = read_start(kept)
    assert command.unfinished().path == kept.path
    found = command.finish()
    assert command.told == "The training was taken up in epoch 1, kept from before."
    assert command.first_step == 3
    assert_same(found, wanted)


@pytest.mark.parametrize(
    "damage", [PIXELS, "before the first", IDS, "no ids", "no model", "no file"]
)
def test_files_that_are_damaged_within_are_refused(command: Command, damage: str) -> None:
    command.given.update(model="compact")
    if damage == "no model":
        command.given.update(start_from=command.finish())
    command.cut_short(1)
    cube = command.given["cube"]
    [kept] = kept_trainings(cube, command.root)
    header, tensors = read_tensors(kept.path, HEADER, TrainingHeader, VERSION, "")
    if damage == PIXELS:
        tensors[PIXELS][-1] = cube.rows * cube.columns
    elif damage == "before the first":
        tensors[PIXELS][0] = -1
    elif damage == IDS:
        tensors[IDS] = tensors[IDS][1:].clone()
    elif damage == "no ids":
        del tensors[IDS]
    else:
        tensors = {name: value for name, value in tensors.items() if START not in name}
    kept.path.write_bytes(tensor_bytes(tensors, HEADER, header))
    if damage == "no file":
        kept.path.unlink()
    with pytest.raises(FileFormatError, match=kept.path.name):
        read_start(kept) if damage == "no model" else read_labels(kept, cube)


@pytest.mark.parametrize("dense", [False, True])
def test_labels_are_compared_with_those_of_today(command: Command, dense: bool) -> None:
    split = command.given["split"]
    if dense:
        split = replace(
            split, train=split.ids > 0, validation=split.test & False, test=split.test & False
        )
    used = split.train | split.validation
    trained, labels = TrainedLabels.of(split), np.where(used, split.ids, np.uint16(0))
    assert trained.pixels.dtype == np.int32 and trained.ids.dtype == np.uint16
    assert trained.are(labels) and trained.same_classes(labels) == [2, 5, 9]
    twos = np.argwhere(labels == 2)
    changed = labels.copy()
    changed[tuple(twos[0])] = 0
    assert not trained.are(changed) and trained.same_classes(changed) == [2, 5, 9]
    changed[tuple(twos.T)] = 5
    assert not trained.are(changed) and trained.same_classes(changed) == [5, 9]
    if not dense:
        more = labels.copy()
        more[tuple(np.argwhere(labels == 0)[0])] = 9
        assert not trained.are(more) and trained.same_classes(more) == [2, 5, 9]


def test_one_that_another_program_may_be_at_is_not_listed(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.given.update(model="compact")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        with monkeypatch.context() as patched:
            patched.setattr(unfinished_trainings.os, "getpid", lambda: other.pid)
            command.cut_short(2)
        assert kept_trainings(command.given["cube"], command.root) == []
        other.communicate(b"\n")
    assert len(kept_trainings(command.given["cube"], command.root)) == 1


def test_a_class_table_that_is_none_is_not_listed(command: Command) -> None:
    command.given.update(model="compact")
    command.cut_short(2)
    header, tensors = read_tensors(command.kept[0], HEADER, TrainingHeader, VERSION, "")
    twice = header.model_copy(update={"classes": header.classes * 2})
    command.kept[0].write_bytes(tensor_bytes(tensors, HEADER, twice))
    assert kept_trainings(command.given["cube"], command.root) == []


def test_those_that_need_more_than_their_file_are_left_out(command: Command) -> None:
    cube, root = command.given["cube"], command.root
    command.cut_short(2)
    assert len(command.kept) == 1 and kept_trainings(cube, root) == []  # no preset's sizes
    command.given.update(model="compact")
    command.cut_short(2)
    assert len(command.kept) == 2 and len(kept_trainings(cube, root)) == 1
