"""Which form and precision a device gets."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_ssamamba.errors import SettingError
from napari_ssamamba.model.config import preset
from napari_ssamamba.model.inference import form
from napari_ssamamba.model.inference.form import choose_precision

CPU, GPU = torch.device("cpu"), torch.device("cuda")
STANDARD = preset("standard", 20, 4)


def test_precisions_that_a_device_lacks_are_refused() -> None:
    assert choose_precision("float32", STANDARD, CPU) == torch.float32
    with pytest.raises(SettingError, match="auto, float32 or bfloat16"):
        choose_precision("float16", STANDARD, CPU)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="choose float32"):
        choose_precision("bfloat16", STANDARD, torch.device("mps"))


def test_bfloat16_is_taken_of_itself_where_kernels_are_compiled_for_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(form, "compiles_kernels", lambda device: device.type == "cuda")
    assert choose_precision("auto", STANDARD, GPU) == torch.bfloat16
    assert choose_precision("auto", preset("compact", 20, 4), GPU) == torch.bfloat16
    assert choose_precision("auto", replace(STANDARD, attention="symmetric"), GPU) == torch.float32
    assert choose_precision("auto", replace(STANDARD, patch_size=9), GPU) == torch.float32
    assert choose_precision("auto", STANDARD, CPU) == torch.float32
