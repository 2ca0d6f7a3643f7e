"""A device that is not there is refused in words."""

from __future__ import annotations

import importlib.util
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import torch

from napari_ssamamba.errors import SettingError
from napari_ssamamba.model import device
from napari_ssamamba.model.device import (
    WORKSPACE,
    Arriving,
    choose_device,
    compiles_kernels,
    gpu_left_out,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRIAL = "napari_ssamamba.model.fused.trial"


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


@pytest.mark.parametrize(("built_for", "said"), [(None, "for CPUs alone"), ("13.0", "no CUDA GPU")])
def test_without_a_gpu_the_build_of_pytorch_is_told(
    built_for: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built_for)
    monkeypatch.setattr(torch.version, "hip", None)
    with pytest.raises(SettingError, match=said):
        choose_device("cuda")


@pytest.mark.parametrize(("built_for", "driver"), [("13.0", True), (None, False), (None, True)])
def test_a_gpu_that_a_build_for_cpus_leaves_out_is_told(
    built_for: str | None, driver: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", built_for)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if driver else None)
    told = gpu_left_out()
    if built_for is None and driver:
        assert told is not None and "built for CPUs alone" in told
    else:
        assert told is None


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


@pytest.fixture
def ampere(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    """Return a GPU that Triton is installed for, as far as anyone asks."""
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 0))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    device._tried.cache_clear()
    yield torch.device("cuda")
    device._tried.cache_clear()


def trial(outcome: Callable[[torch.device], bool]) -> ModuleType:
    """Return what stands for the module with the smallest kernel."""
    module = ModuleType("napari_ssamamba.model.fused.trial")
    module.run_one = outcome  # type: ignore[attr-defined]
    return module


def test_kernels_are_used_where_the_smallest_one_works(
    ampere: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[torch.device] = []
    monkeypatch.setitem(sys.modules, TRIAL, trial(lambda gpu: not asked.append(gpu)))
    assert compiles_kernels(ampere) and compiles_kernels(torch.device("cuda", 0))
    assert asked == [torch.device("cuda", 0)]  # tried once


@pytest.mark.parametrize("raised", [True, False])
def test_triton_that_does_not_work_costs_speed_alone(
    ampere: torch.device, monkeypatch: pytest.MonkeyPatch, raised: bool
) -> None:
    def fail(_: torch.device) -> bool:
        if raised:
            raise RuntimeError("Failed to find C compiler.\nPlease specify via CC.")
        return False

    monkeypatch.setitem(sys.modules, TRIAL, trial(fail))
    what = r"Failed to find C compiler\.\)" if raised else "result is wrong"
    with pytest.warns(UserWarning, match=what):
        assert not compiles_kernels(ampere)
    assert not compiles_kernels(ampere)  # and is not warned of again


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
