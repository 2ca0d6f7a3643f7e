"""A device that is not there is refused in words."""

from __future__ import annotations

import os

import pytest
import torch

from napari_ssamamba.errors import SettingError
from napari_ssamamba.model.device import WORKSPACE, Arriving, choose_device


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is set here end with the test."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")


def test_auto_takes_the_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "mps", "cuda:x", "tpu", ""])
def test_absent_or_unknown_devices_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingError, match="cpu"):
        choose_device(name)


def test_a_gpu_number_beyond_those_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1").index == 1
    with pytest.raises(SettingError, match="finds 2 CUDA GPUs"):
        choose_device("cuda:2")


def test_on_an_nvidia_gpu_little_memory_is_kept_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "CUBLAS_WORKSPACE_CONFIG"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv(name)
    choose_device("cpu")
    assert name not in os.environ
    choose_device("auto")
    assert os.environ[name] == WORKSPACE
    monkeypatch.setenv(name, ":4096:8")  # a user's own choice
    choose_device("auto")
    assert os.environ[name] == ":4096:8"


def test_values_arrive_as_they_are() -> None:
    values = torch.arange(3.0)
    assert Arriving(values).get().tolist() == [0, 1, 2]
    assert float(Arriving(values[2])) == 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_values_arrive_while_a_gpu_does_what_it_was_asked_for_later() -> None:
    value, busy = torch.ones((), device="cuda"), torch.rand(8192, 8192, device="cuda")
    arriving = Arriving(value)
    value.fill_(2)
    for _ in range(40):
        busy = busy @ busy
    done = torch.cuda.Event()
    done.record()
    assert float(arriving) == 1
    assert not done.query()
